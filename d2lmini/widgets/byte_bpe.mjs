// Byte-pair encoding in the browser, the same as d2lmini.tokenizers: GPT-2's words, the signs of bytes, merges by rank.

// What Unicode calls white space; \s would leave U+0085 out and take U+FEFF in. A browser may know letters newer than Python's.
const SPACE = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const WORD = new RegExp(String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${SPACE}\p{L}\p{N}]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`, "gu");

/** GPT-2's words: the space goes with the word after it, and joined they are the text. */
export const gpt2Words = (text) => text.match(WORD) ?? [];

let hidden = 0x100;
/** One visible sign a byte: itself when it can be seen, else the next one from U+0100 on. */
export const BYTES = Array.from({ length: 256 }, (_, byte) =>
  String.fromCharCode(byte > 0x20 && byte < 0x7f || byte > 0xa0 && byte !== 0xad ? byte : hidden++));

export const inBytes = (text) => Array.from(new TextEncoder().encode(text), (byte) => BYTES[byte]);
/** What a word is first spelled in. */
export const SPELL = { characters: (word) => [...word], bytes: inBytes };

/** The list with `id` wherever left stood before right, read from the left. */
export function join(ids, { left, right }, id) {
  const joined = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) { joined.push(id); i++; } else joined.push(ids[i]);
  }
  return joined;
}

/** What gives the numbers of the tokens of any text after n merges; a character that the vocabulary lacks stays itself, a string. */
export function encoder({ level, ids, merges }, n) {
  const ranks = new Map(merges.slice(0, n).map(({ left, right }, rank) => [`${left} ${right}`, rank])), known = new Map();
  const cut = (word) => {
    let spelled = SPELL[level](word).map((sign) => ids.get(sign) ?? sign);
    for (;;) { // the pair that was learned first, until none is known
      const rank = Math.min(...spelled.slice(1).map((right, i) => ranks.get(`${spelled[i]} ${right}`) ?? Infinity));
      if (rank === Infinity) return spelled;
      spelled = join(spelled, merges[rank], merges[rank].id);
    }
  };
  return (text) => gpt2Words(text).flatMap((word) => known.get(word) ?? known.set(word, cut(word)).get(word)); // a text repeats its words
}

export const encode = (learned, n, text) => encoder(learned, n)(text);

// --- what the reader sees of a token ---

const MARKS = { " ": "␣", "\n": "↵", "\t": "⇥" };
const hex = (x, width) => x.toString(16).toUpperCase().padStart(width, "0");

/** A token with its blanks made visible, its invisible characters named, and something for an accent to stand on. */
export const visible = (token) => token.replace(/^\p{M}/u, "◌$&")
  .replace(/[\p{C}\p{Z}]/gu, (character) => MARKS[character] ?? `⟨${hex(character.codePointAt(0), 4)}⟩`);

/** The signs of bytes as bytes, in base sixteen: "Ã©" is "C3 A9". */
export const byteCodes = (token) => [...token].map((sign) => hex(BYTES.indexOf(sign), 2)).join(" ");
