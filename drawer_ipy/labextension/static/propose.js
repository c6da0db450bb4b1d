// Proposals for a line that is empty: the front end itself asks for none there.

// The kinds of drawer_ipy's proposals. IPython's own, which it makes where drawer_ipy has none, have others as well.
const KINDS = new Set(["enum", "function", "keyword", "module", "param", "property", "variable"]);

const PATIENCE = 3000; // milliseconds

// A function `propose(editor, indent)`: it asks the kernel and opens the front end's list of proposals, or calls `indent` if
// there are none. It returns false, and does nothing, if no idle kernel could answer.
export function proposer(app) {
  return (editor, indent) => {
    const panel = app.shell.currentWidget;
    const kernel = panel?.node.contains(editor.dom) ? panel.sessionContext?.session?.kernel : null;
    if (kernel?.status !== "idle" || kernel.connectionStatus !== "connected") {
      return false;
    }
    const { state } = editor;
    ask(kernel, state.doc.toString(), state.selection.main.head).then((found) => {
      const same = editor.state.doc.eq(state.doc) && editor.state.selection.eq(state.selection);
      if (!same || !editor.hasFocus) {
        return; // the user has gone on
      }
      if (found) {
        app.commands.execute(`completer:invoke-${editor.dom.closest(".jp-CodeConsole") ? "console" : "notebook"}`);
      } else {
        indent();
      }
    });
    return true;
  };
}

// Whether drawer_ipy proposes something at `cursor`, an index into `code`; false if the kernel does not answer in time.
async function ask(kernel, code, cursor) {
  const asked = kernel.requestComplete({ code, cursor_pos: [...code.slice(0, cursor)].length });
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)));
  try {
    const reply = await Promise.race([asked, late]);
    return isFromDrawer(reply?.content);
  } catch {
    return false; // the kernel was restarted, or is gone
  } finally {
    clearTimeout(timer);
  }
}

// Whether the content of a reply to a completion request has proposals, and all of drawer_ipy's kinds.
export function isFromDrawer(content) {
  const types = content?.metadata?._jupyter_types_experimental ?? [];
  return content?.matches?.length > 0 && types.length > 0 && types.every(({ type }) => KINDS.has(type));
}
