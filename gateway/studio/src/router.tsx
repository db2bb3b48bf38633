import { createBrowserRouter, Navigate } from "react-router";
import { Home } from "./home/Home.tsx";
import { Broken } from "./shell/Broken.tsx";
import { Shell } from "./shell/Shell.tsx";

const lazily = (load: () => Promise<{ Page: React.ComponentType }>) => async () => ({ Component: (await load()).Page });

// The gateway serves the page under the same addresses: gateway/http/routes/studio.py.
export const router = createBrowserRouter([
  {
    element: <Shell />,
    errorElement: <Broken />,
    hydrateFallbackElement: <p className="hidden">Vigent</p>,
    children: [
      { path: "/", element: <Home /> },
      { path: "/works", lazy: lazily(() => import("./works/Works.tsx").then(({ Works }) => ({ Page: Works }))) },
      { path: "/works/:id", lazy: lazily(() => import("./work/Work.tsx").then(({ Work }) => ({ Page: Work }))) },
      {
        path: "/works/:id/compare/:other?",
        lazy: lazily(() => import("./work/Compare.tsx").then(({ Compare }) => ({ Page: Compare }))),
      },
      {
        path: "/publish/:id?",
        lazy: lazily(() => import("./publish/Publish.tsx").then(({ Publish }) => ({ Page: Publish }))),
      },
      { path: "/batch", lazy: lazily(() => import("./batch/Batch.tsx").then(({ Batch }) => ({ Page: Batch }))) },
      { path: "/library", element: <Navigate to="/library/footage" replace /> },
      {
        path: "/library/:kind",
        lazy: lazily(() => import("./library/Library.tsx").then(({ Library }) => ({ Page: Library }))),
      },
      { path: "/mesh", lazy: lazily(() => import("./mesh/Mesh.tsx").then(({ Mesh }) => ({ Page: Mesh }))) },
      { path: "*", element: <Navigate to="/" replace /> },
    ],
  },
]);
