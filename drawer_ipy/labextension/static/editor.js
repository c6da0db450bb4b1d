// What this extension adds to an editor: while its text is a `%%drawer` cell, YAML's colours and indentation, and
// proposals for the Tab key where a line is empty. The cell's model and its MIME type stay as they are.

import { columnBelow, headLine } from "./cell.js";
import { drawerLanguage } from "./language.js";

const PYTHON = /^text\/x-i?python$/;

// A function that returns the CodeMirror extension for an editor with `model`.
//
// `state`, `view` and `language` are CodeMirror's modules. `propose(view, indent)` asks for proposals at the cursor and calls
// `indent` if there are none; it returns false if it cannot ask.
export function editorExtension({ state, view, language }, propose) {
  const { Compartment, EditorState, Prec, StateEffect } = state;
  const refreshed = StateEffect.define();
  const nothing = [];
  const drawer = Prec.highest([
    language.language.of(drawerLanguage(language)),
    language.indentUnit.of("  "),
    language.indentService.of(indentation),
    view.keymap.of([{ key: "Tab", run: (editor) => onTab(editor, propose) }]),
  ]);

  return (model) => {
    // Other cells have nothing in the slot, since CodeMirror takes even a computed `null` for a language.
    const slot = new Compartment();
    const content = (row) => (row >= 0 && PYTHON.test(model.mimeType) ? drawer : nothing);
    const lines = model.sharedModel.getSource().split("\n");
    // Part of the transaction that makes or unmakes the line `%%drawer`, so that nothing is drawn twice.
    const follow = EditorState.transactionExtender.of((change) => {
      if (!change.docChanged && !change.effects.some((effect) => effect.is(refreshed))) {
        return null;
      }
      const wanted = content(headRow(change.newDoc));
      return wanted === slot.get(change.startState) ? null : { effects: slot.reconfigure(wanted) };
    });
    const watch = view.ViewPlugin.define((editor) => watchMimeType(editor, model, refreshed.of(null)));
    return [slot.of(content(headLine((i) => lines[i]))), follow, watch];
  };
}

// The kernel's language becomes known, or changes, after the editor was made.
function watchMimeType(editor, model, effect) {
  const refresh = () => editor.dispatch({ effects: effect });
  model.mimeTypeChanged.connect(refresh);
  return { destroy: () => model.mimeTypeChanged.disconnect(refresh) };
}

// Whether an editor of the front end (which may be null) contains a `%%drawer` cell.
export function isDrawerCell(editor) {
  return editor != null && PYTHON.test(editor.model.mimeType) && headRow(editor.editor.state.doc) >= 0;
}

function headRow(doc) {
  return headLine((i) => (i < doc.lines ? doc.line(i + 1).text : undefined));
}

// The column of a line in the body; undefined elsewhere, where the language decides.
function indentation(context, at) {
  const row = headRow(context.state.doc);
  const here = context.state.doc.lineAt(at);
  const breaks = context.simulatedBreak === at; // the line is about to be broken at `at`
  if (here.number < row + (breaks ? 1 : 2)) {
    return undefined;
  }
  if (breaks) {
    return here.number === row + 1 ? 0 : columnBelow(here.text.slice(0, at - here.from));
  }
  return columnAt(context.state.doc, here.number, row);
}

// The column at which line `number` of the body begins, going by the nearest line above it that has text.
function columnAt(doc, number, row) {
  for (let above = number - 1; above > row + 1; above--) {
    const { text } = doc.line(above);
    if (text.trim()) {
      return columnBelow(text);
    }
  }
  return 0;
}

// The Tab key on a line of the body that has nothing but white space. At its beginning, if the line above asks for an
// indentation, Tab indents that far. Otherwise it proposes what is possible there, or indents if that is nothing.
function onTab(editor, propose) {
  const { state } = editor;
  const row = headRow(state.doc);
  const { main, ranges } = state.selection;
  const line = state.doc.lineAt(main.head);
  if (line.number <= row + 1 || ranges.length > 1 || !main.empty || state.readOnly || line.text.trim()) {
    return false;
  }
  const column = main.head === line.from ? columnAt(state.doc, line.number, row) : 0;
  const indent = () => editor.dispatch(insertion(state, column || 2 - ((main.head - line.from) % 2)));
  if (column > 0) {
    indent();
    return true;
  }
  return propose(editor, indent);
}

function insertion(state, columns) {
  return { ...state.replaceSelection(" ".repeat(columns)), scrollIntoView: true, userEvent: "input.indent" };
}
