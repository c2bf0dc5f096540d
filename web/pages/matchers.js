// matchers.js - matchers as people write them, and as the server has them.

const LINE = /^\s*("(?:[^"\\]|\\.)*"|[^\s"=!~{}]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"]*?)\s*$/;
// What is escaped in quotes is what Alertmanager has escaped there; other backslashes are the pattern's.
const plain = (text) => text[0] === '"' ? text.slice(1, -1).replace(/\\(["\\n])/g, (_, c) => c === "n" ? "\n" : c) : text;
const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
const name = (text) => /^[A-Za-z_]\w*$/.test(text) ? text : quoted(text);

/** A matcher as one line. */
export const written = (m) => name(m.name) + (m.isRegex ? (m.isEqual ? "=~" : "!~") : m.isEqual ? "=" : "!=") + quoted(m.value);

/** Lists of matchers as `sets` reads them. */
export const listed = (lists) => lists.map((list) => list.map(written).join("\n")).join("\n\n");

/** The LABELS as lines. */
export const lines = (labels) => Object.entries(labels).sort().map(([label, value]) => written({ name: label, value, isEqual: true })).join("\n");

/** Matchers of TEXT, one in each line; throws an Error that names the line. */
export const matchers = (text) => text.split("\n").filter((line) => line.trim()).map((line) => {
  const m = line.match(LINE);
  if (!m) throw new Error(`"${line.trim()}" is no matcher: write name="value", or != =~ !~ in place of =`);
  return { name: plain(m[1]), value: plain(m[3]), isRegex: m[2].endsWith("~"), isEqual: m[2][0] === "=" };
});

/** Lists of matchers of TEXT, with an empty line between them: any of them may match. */
export const sets = (text) => text.split(/\n[ \t]*\n/).filter((part) => part.trim()).map(matchers);
