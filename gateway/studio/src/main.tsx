import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/controls.css";
import "./ui/parts.css";
import "./ui/fingers.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { queryClient } from "./api/queries.ts";
import { startLanguage } from "./i18n/i18n.ts";
import { ensureHan } from "./lib/han.ts";
import { applyTheme } from "./lib/theme.ts";
import { router } from "./router.tsx";

/** Going back leads to where one was; loading a page again begins at its top. */
function startAtTopWhenReloaded(): void {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (navigation?.type !== "reload") return;
  history.scrollRestoration = "manual";
  sessionStorage.removeItem("react-router-scroll-positions");
}

startAtTopWhenReloaded();
applyTheme();
await Promise.all([startLanguage(), ensureHan()]);

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
