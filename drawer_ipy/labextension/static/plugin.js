// The plugin for JupyterLab and Notebook. It gives every editor the extension of editor.js.

import { editorExtension, isDrawerCell } from "./editor.js";
import { proposer } from "./propose.js";
import { importShared } from "./shared.js";

const MODULES = [
  "@jupyterlab/codemirror",
  "@jupyterlab/completer",
  "@codemirror/language",
  "@codemirror/state",
  "@codemirror/view",
];

// The plugin, made of the front end's own modules: those of `scope`, its share scope.
export async function loadPlugin(scope) {
  const modules = await Promise.all(MODULES.map((name) => importShared(scope, name)));
  const [codemirror, completer, language, state, view] = modules;
  return {
    id: "drawer-ipy:plugin",
    description: "YAML in %%drawer cells: colours, indentation and proposals on empty lines.",
    autoStart: true,
    requires: [codemirror.IEditorExtensionRegistry],
    optional: [completer.ICompletionProviderManager],
    activate(app, extensions, completions) {
      const extend = editorExtension({ state, view, language }, proposer(app));
      extensions.addExtension({
        name: "drawer-ipy",
        factory: ({ model }) => {
          const extension = extend(model);
          return { instance: () => extension, reconfigure: () => null };
        },
      });
      app.restored.then(() => proposeNoWords(completions?.getProviders()));
    },
  };
}

// In a `%%drawer` cell, only what the kernel proposes is possible. Otherwise the front end appends all words and marks that
// the cell contains already to the keys that are proposed on an empty line.
function proposeNoWords(providers) {
  const words = providers?.get("CompletionProvider:context");
  if (words) {
    const isApplicable = words.isApplicable.bind(words);
    words.isApplicable = async (context) => !isDrawerCell(context.editor) && isApplicable(context);
  }
}
