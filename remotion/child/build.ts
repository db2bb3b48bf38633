/** `npm run build` ends here: the bundle is made beforehand, so that servers start at once. */

import { ensureBundle } from "./bundle.js";

await ensureBundle();
