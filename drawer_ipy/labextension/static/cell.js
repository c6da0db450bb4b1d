// The text of a `%%drawer` cell: where its body begins, what is on its first line, how its lines are indented.

const MAGIC = /^%%(drawer|each|button)(?=\s|$)/;
const HEAD_TOKEN = /%%\S+|\$[A-Za-z_]\w*|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s"'$=]+=?|\S/g;
const KEY = /^(?:"[^"]*"|'[^']*'|[^\s#{}[\],"'][^#]*?)\s*:(?=\s|$)/;
const DASH = /^-(?:\s+|$)/;

// The index of the line that begins with `%%drawer`, or -1. As in IPython, comments, empty lines and other cell magics
// such as `%%time` may be above it; `%%each` and `%%button` cells do not contain a drawer. `line(i)` returns the text of
// line i, or undefined after the last one.
export function headLine(line) {
  for (let i = 0; ; i++) {
    const text = line(i);
    if (text !== undefined && MAGIC.test(text)) {
      return isDrawerLine(text) ? i : -1;
    }
    if (text === undefined || (text.trim() && !text.startsWith("#") && !text.startsWith("%%"))) {
      return -1;
    }
  }
}

export function isDrawerLine(text) {
  return text.match(MAGIC)?.[1] === "drawer";
}

// The tokens of a line of the head, `{from, to, style}`, in order. The styles are "magic", "comment", "option", "input",
// "string", "number" and "variable".
export function headTokens(text) {
  if (text.startsWith("#")) {
    return [{ from: 0, to: text.length, style: "comment" }];
  }
  const tokens = [...text.matchAll(HEAD_TOKEN)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
    style: styleOf(match[0], match.index),
  }));
  return tokens.filter(({ style }) => style);
}

function styleOf(token, at) {
  if (at === 0 && token.startsWith("%%")) {
    return "magic";
  }
  if (/^--?[A-Za-z]/.test(token)) {
    return "option";
  }
  if (token[0] === '"' || token[0] === "'") {
    return "string";
  }
  if (/^\$\w/.test(token)) {
    return "variable";
  }
  if (/^[A-Za-z_]\w*=$/.test(token)) {
    return "input";
  }
  return /^-?\d+(?:\.\d+)?$/.test(token) ? "number" : "";
}

// The column at which the line below `above` begins: deeper after a key without a value or an open bracket, at the keys of
// the entry after `- key: value`, otherwise where `above` begins.
export function columnBelow(above) {
  const indent = above.length - above.trimStart().length;
  let [column, content] = [indent, above.trim()];
  for (let dash = content.match(DASH); dash; dash = content.match(DASH)) {
    column += Math.max(dash[0].length, 2);
    content = content.slice(dash[0].length);
  }
  const bare = content.replace(/(^|\s)#.*$/, "").trimEnd();
  if (!bare) {
    return column;
  }
  if (/[{[]$/.test(bare) || /:(?:\s+[|>][+-]?\d?)?$/.test(bare)) {
    return column + 2;
  }
  return KEY.test(bare) ? column : indent;
}
