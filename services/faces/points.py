"""Which of the mesh's 468 points lie where (MediaPipe's canonical face model). "Left" is the picture's left."""

from __future__ import annotations

MESH_POINTS = 468

LIPS_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""Around the red of the lips: from the left corner over the upper lip to the right corner and back below."""
LIPS_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""Around the opening, in the same order."""
LEFT_EYE, RIGHT_EYE = (33, 133), (362, 263)
"""Corners of each eye."""
LEFT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
RIGHT_BROW = (336, 296, 334, 293, 300, 276, 283, 282, 295, 285)
"""Upper edge, then lower edge: the brow lies between them."""
NOSE_TIP, NOSE_BASE = 1, 2
NOSTRILS = (98, 327)
CHIN, FOREHEAD = 152, 10
JAW = (58, 288)
"""Its sides, at the height of the mouth."""
LEFT_CHEEK, RIGHT_CHEEK = 234, 454
"""Sides of the face, before the ears."""
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Outline of the face."""
LEFT_SKIN, RIGHT_SKIN = (50, 101, 205, 187), (280, 330, 425, 411)
"""Skin of the cheeks."""
LOWER_SKIN = (164, 200, 199, 175, 43, 273, 57, 287, 202, 422)
"""Skin around the mouth and on the chin."""
