import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const gateway = process.env.VIGENT_GATEWAY ?? "http://127.0.0.1:8080";
const proxied = ["/api", "/assets", "/v1", "/livez", "/docs", "/metrics"];

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // /assets belongs to the libraries. Nothing is inlined: the page's policy allows no data: addresses.
    assetsDir: "studio",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "studio/licences.md" },
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, gateway])) },
});
