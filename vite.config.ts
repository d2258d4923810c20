// Owns how the page is built: two entries (the app and the API reader) into dist/web, with nothing inline and nothing from elsewhere.
import { fileURLToPath } from 'node:url';
import preact from '@preact/preset-vite';
import { defineConfig, type Plugin, type PluginOption } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * The schemas are values without effects, but a bundler cannot know it of `z.object(…)`, and would carry the whole validator to a page
 * that only uses the plain functions beside them. Wrapped in a pure call, those that nobody reads are dropped.
 */
function pureSchemas(): Plugin {
  return {
    name: 'earshot:pure-schemas',
    enforce: 'post',
    transform(code, id) {
      if (!/\/protocol\/schemas\/[^/]+\.ts$/.test(id)) return null;
      const edits: { at: number; text: string }[] = [];
      for (const node of this.parse(code).body) {
        const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
        if (declared?.type !== 'VariableDeclaration') continue;
        for (const { init } of declared.declarations) {
          if (!init || init.type === 'Literal' || init.type === 'ArrowFunctionExpression') continue;
          edits.push({ at: init.start, text: '/* @__PURE__ */ (() => (' });
          edits.push({ at: init.end, text: '))()' });
        }
      }
      let out = code;
      for (const edit of edits.reverse()) {
        out = out.slice(0, edit.at) + edit.text + out.slice(edit.at);
      }
      return { code: out, map: null };
    },
  };
}

/** What any build of the page needs; tests build their own entries with it. */
export const pagePlugins = (): PluginOption[] => [preact(), pureSchemas()];

export default defineConfig({
  root: path('./src/web'),
  base: '/',
  plugins: pagePlugins(),
  build: {
    outDir: path('./dist/web'),
    emptyOutDir: true,
    // Small files would become data: URLs, which a strict policy refuses.
    assetsInlineLimit: 0,
    // The polyfill is only for browsers that cannot play in step anyway.
    modulePreload: { polyfill: false },
    // The API reader is one large library that its page alone loads.
    chunkSizeWarningLimit: 1_600,
    rolldownOptions: {
      input: { app: path('./src/web/index.html'), docs: path('./src/web/docs.html') },
    },
  },
});
