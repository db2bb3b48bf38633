import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { queryClient } from "./api/queries.ts";
import { startLanguage } from "./i18n/i18n.ts";
import { applyTheme } from "./lib/theme.ts";
import { router } from "./router.tsx";
import "./ui/tokens.css";
import "./ui/base.css";

applyTheme();
await startLanguage();

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
