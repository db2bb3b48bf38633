// The pages that the head and the palette lead to.
import type { IconName } from "../ui/Icon.tsx";

export const PAGES = [
  { to: "/", name: "create", icon: "make" },
  { to: "/works", name: "works", icon: "film" },
  { to: "/publish", name: "publish", icon: "publish" },
  { to: "/library", name: "library", icon: "library" },
  { to: "/mesh", name: "mesh", icon: "mesh" },
] as const satisfies { to: string; name: string; icon: IconName }[];
