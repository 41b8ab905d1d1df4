import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["**/*.min.js", ".venv*/", "build/", "dist/"] },
  js.configs.recommended,
  {
    files: ["flask_task_metrics/web/dashboard/static/*.js"],
    languageOptions: { globals: { ...globals.browser, uPlot: "readonly" } },
    rules: {
      eqeqeq: "error",
      "no-implicit-coercion": ["error", { allow: ["+"] }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
];
