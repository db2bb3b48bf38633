"""Pictures and sound become a film: footage is conformed, segments are composed, joined and mixed, all with PyAV.

conform.py   any footage -> the film's size and rate       `conform`, `ConformedFootage`
compose.py   one segment's film, frame by frame            `SegmentComposer`, `PatchImage`, `OverlayImage`
join.py      segments and sound -> film.mp4                `join_film`
preview.py   the finished prefix, playable in a browser    `PreviewWriter`, `write_preview`
mix.py       voice and music -> the film's sound           `mix_film`, `MusicBed`, `gain_db_of_slider`
meter.py     loudness and true peak of a file              `measure_file`
metadata.py  title, comment and the AI record              `film_metadata`, `AiRecord`
cover.py     cover.jpg                                     `write_cover`

Behind conform: source.py opens files from outside, clip.py and picture.py read them, upright.py turns and scales,
crop.py finds the face, ready.py sees what needs no change. Behind compose: footage.py reads in both directions,
blend.py lays pictures over planes, yuv.py knows colours, encode.py the encoder. Behind mix: voice.py, music.py,
ducking.py, limiter.py, sound.py.
"""
