// The tokens of YAML, line by line. The front ends' own mode for YAML knows no keys in braces, and takes the braces of
// `${...}` for a mapping. JSON is YAML, too.

const KEYWORD = /^(?:true|false|null|yes|no|on|off|~)$/i;
const NUMBER = /^[-+]?(?:0x[\da-f]+|0o[0-7]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?|\.inf|\.nan)$/i;
const BLOCK_SCALAR = /^[|>][-+\d]*\s*(?:#.*)?$/;
const REFERENCE = /\$\$\{|\$\{(?:[^}"]|"(?:\\.|[^"\\])*")*\}?/g;
const PROPERTY = /^[&*!][^\s,[\]{}]*/;

// The state at the beginning of the first line. `flow` counts open brackets; `quote` is that of a text which continues on
// the next line; `block` says that the lines which are indented deeper than `column` belong to a block scalar.
export function startState() {
  return { flow: 0, quote: "", block: false, column: -1 };
}

// The tokens of a line, `{from, to, style}`, in order; `state` becomes that of the next line. The styles are "key",
// "string", "number", "keyword", "reference", "property" (anchors, aliases and tags), "comment" and "mark".
export function lineTokens(text, state) {
  return new Line(text, state).read();
}

class Line {
  constructor(text, state) {
    this.text = text;
    this.state = state;
    this.at = text.length - text.trimStart().length;
    this.tokens = [];
  }

  read() {
    const { text, state } = this;
    const deeper = this.at > state.column;
    if (this.at === text.length) {
      return this.tokens;
    }
    if (state.block && deeper) {
      return this.rest("string");
    }
    state.block = false;
    if (state.quote && (deeper || state.flow)) {
      this.quoted(this.at, state.quote, "string");
    } else if (/^(?:---|\.\.\.)(?:\s|$)/.test(text)) {
      this.add(3, "mark");
    } else if (text[0] === "%" && !state.flow) {
      return this.rest("comment"); // a directive
    }
    state.quote = this.at < text.length ? "" : state.quote;
    if (!state.flow && !state.quote) {
      this.dashes();
      state.column = this.at;
    }
    while (this.at < text.length) {
      this.next();
    }
    return this.tokens;
  }

  add(length, style) {
    if (style && length) {
      this.tokens.push({ from: this.at, to: this.at + length, style });
    }
    this.at += length;
  }

  rest(style) {
    this.add(this.text.length - this.at, style);
    return this.tokens;
  }

  dashes() {
    for (let found = this.match(/^[-?](?=\s|$)\s*/); found; found = this.match(/^[-?](?=\s|$)\s*/)) {
      this.add(1, "mark");
      this.at += found.length - 1;
    }
  }

  match(pattern) {
    return this.text.slice(this.at).match(pattern)?.[0];
  }

  next() {
    const { text, state } = this;
    const char = text[this.at];
    if (/\s/.test(char)) {
      this.add(this.match(/^\s+/).length, "");
    } else if (char === "#" && /^$|\s/.test(text.slice(0, this.at).slice(-1))) {
      this.rest("comment");
    } else if (char === "{" || char === "[" || (state.flow && (char === "}" || char === "]"))) {
      state.flow += char === "{" || char === "[" ? 1 : -1;
      this.add(1, "mark");
    } else if (char === ":" || (char === "," && state.flow)) {
      this.add(1, "mark");
    } else if (char === '"' || char === "'") {
      this.quoted(this.at + 1, char, "");
    } else if (!state.flow && this.match(BLOCK_SCALAR)) {
      state.block = true;
      this.add(this.match(/^\S+/).length, "mark");
    } else if (this.match(PROPERTY)) {
      this.add(this.match(PROPERTY).length, "property");
    } else {
      this.plain();
    }
  }

  // A quoted text, whose inner part begins at `inner`; without a style, it is a key or a string.
  quoted(inner, quote, style) {
    const { text, state } = this;
    let end = inner;
    while (end < text.length && text[end] !== quote) {
      end += text[end] === "\\" && quote === '"' ? 2 : 1;
    }
    const closed = end < text.length;
    end = Math.min(end + 1, text.length);
    state.quote = closed ? "" : quote;
    const isKey = closed && /^\s*:(?=\s|$)/.test(text.slice(end));
    const isJsonKey = closed && state.flow > 0 && /^\s*:/.test(text.slice(end));
    this.withReferences(end, style || (isKey || isJsonKey ? "key" : "string"));
  }

  plain() {
    const { text, state } = this;
    let end = this.at;
    while (end < text.length && !this.endsPlain(end)) {
      const reference = text.startsWith("${", end) ? text.slice(end).match(/^\$\{[^}]*\}?/)[0].length : 1;
      end += reference;
    }
    end = Math.max(end, this.at + 1);
    const word = text.slice(this.at, end).trimEnd();
    if (text[end] === ":" && (!state.flow || end > this.at)) {
      this.add(word.length, "key");
    } else if (KEYWORD.test(word) || NUMBER.test(word)) {
      this.add(word.length, NUMBER.test(word) ? "number" : "keyword");
    } else {
      this.withReferences(this.at + word.length, "");
    }
    this.at = end;
  }

  endsPlain(at) {
    const { text, state } = this;
    const after = text[at + 1];
    if (text[at] === ":") {
      return after === undefined || /\s/.test(after) || (state.flow > 0 && /[,[\]{}]/.test(after));
    }
    if (text[at] === "#") {
      return /\s/.test(text[at - 1]);
    }
    return state.flow > 0 && /[,[\]{}]/.test(text[at]);
  }

  // The text up to `end` in `style`, but for the references in it.
  withReferences(end, style) {
    const text = this.text.slice(this.at, end);
    const begin = this.at;
    for (const found of style === "key" ? [] : text.matchAll(REFERENCE)) {
      this.add(begin + found.index - this.at, style);
      this.add(found[0].length, found[0] === "$${" ? style : "reference");
    }
    this.add(end - this.at, style);
  }
}
