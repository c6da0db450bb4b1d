// The language of a `%%drawer` cell: the lines of its head are magics, the rest is YAML.

import { headTokens, isDrawerLine } from "./cell.js";
import { lineTokens, startState } from "./yaml.js";

// CodeMirror's names for the styles of tokens. Keys and marks have the names that the front ends' mode for YAML uses, so
// that a cell has the colours of a YAML file.
const NAMES = {
  comment: "comment",
  input: "propertyName",
  key: "atom",
  keyword: "keyword",
  magic: "keyword",
  mark: "meta",
  number: "number",
  option: "attributeName",
  property: "typeName",
  reference: "variableName.special",
  string: "string",
  variable: "variableName.special",
};

export function drawerLanguage({ StreamLanguage }) {
  return StreamLanguage.define({
    name: "drawer",
    languageData: { commentTokens: { line: "#" } },
    startState: () => ({ inHead: true, yaml: startState(), tokens: [] }),
    copyState: (state) => ({ ...state, yaml: { ...state.yaml } }),
    token: nextToken,
  });
}

// CodeMirror asks for one token at a time; a line is read at its beginning.
function nextToken(stream, state) {
  if (stream.sol()) {
    state.tokens = state.inHead ? headTokens(stream.string) : lineTokens(stream.string, state.yaml);
    state.inHead &&= !isDrawerLine(stream.string);
  }
  const token = state.tokens.find(({ to }) => to > stream.pos);
  if (!token) {
    stream.skipToEnd();
    return null;
  }
  const inside = token.from <= stream.pos;
  stream.pos = inside ? token.to : token.from;
  return inside ? NAMES[token.style] : null;
}
