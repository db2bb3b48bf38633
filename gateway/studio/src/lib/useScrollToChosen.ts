import { useLayoutEffect, useRef } from "react";

/** Brings what is chosen into sight inside its own list; the page stays where it is. */
export function useScrollToChosen<T extends HTMLElement>(chosen: string | undefined) {
  const list = useRef<T>(null);
  useLayoutEffect(() => {
    const box = list.current;
    const item = chosen
      ? box?.querySelector<HTMLElement>("input:checked, .active")?.closest<HTMLElement>("label, li, a")
      : null;
    if (!box || !item || box.matches(":hover, :focus-within")) return;
    const inside = item.getBoundingClientRect();
    const outside = box.getBoundingClientRect();
    if (inside.top < outside.top) box.scrollTop -= outside.top - inside.top;
    else if (inside.bottom > outside.bottom) box.scrollTop += inside.bottom - outside.bottom;
    if (inside.left < outside.left) box.scrollLeft -= outside.left - inside.left;
    else if (inside.right > outside.right) box.scrollLeft += inside.right - outside.right;
  }, [chosen]);
  return list;
}
