// What JupyterLab and Notebook load: the container of this extension, written by hand instead of by a bundler.
// They call init() with the modules that they share, and then get("./extension") for a function that returns the
// plugin. The code is in the ES modules beside this file, which nothing has to build.
(() => {
  const base = document.currentScript.src;
  let shared = {};

  async function load(name) {
    if (name !== "./extension") {
      throw new Error(`drawer-ipy has no module ${name}`);
    }
    const { loadPlugin } = await import(new URL("plugin.js", base));
    const plugin = await loadPlugin(shared);
    return () => ({ __esModule: true, default: plugin });
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB["drawer-ipy"] = {
    init: (scope) => {
      shared = scope;
    },
    get: load,
  };
})();
