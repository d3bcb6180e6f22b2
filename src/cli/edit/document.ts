/**
 * The documents of a YAML file as pieces of its text, so that one can be replaced or taken out
 * while every other byte, comments included, stays. Pure, and it parses no YAML: by the YAML
 * specification a line that begins with `---` or `...` is a marker wherever it stands, also inside
 * a block scalar, so lines alone tell where documents end.
 */

interface Piece {
  text: string;
  /** 1-based. */
  firstLine: number;
  lastLine: number;
}

const startMarker = /^---(\s|$)/;
const endMarker = /^\.\.\.(\s|$)/;
/** Blank lines, comments and directives belong to the document that follows them. */
const preamble = /^(\s*(#.*)?|%.*)$/;

/** All pieces in order; joined they are the text again. */
export function documentPieces(text: string): Piece[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const pieces: Piece[] = [];
  let current: string[] = [];
  let started = false;
  const close = (nextLine: number) => {
    if (current.length === 0) return;
    const firstLine = nextLine - current.length;
    pieces.push({ text: current.join(''), firstLine, lastLine: nextLine - 1 });
    current = [];
    started = false;
  };
  lines.forEach((raw, index) => {
    const line = raw.replace(/\r?\n$/, '');
    if (startMarker.test(line) && started) close(index + 1);
    current.push(raw);
    if (!preamble.test(line)) started = true;
    if (endMarker.test(line)) close(index + 2);
  });
  close(lines.length + 1);
  return pieces;
}

/** The text of the document that holds the line; undefined when the file has no such line. */
export function documentAt(text: string, line: number): string | undefined {
  return pieceAt(documentPieces(text), line)?.text;
}

export function replaceDocument(text: string, line: number, document: string): string {
  const pieces = documentPieces(text);
  const target = pieceAt(pieces, line);
  return pieces
    .map((piece, index) => {
      if (piece !== target) return piece.text;
      const ending = piece === pieces.at(-1) ? '' : '\n';
      const plain = index === 0 ? document : withMarker(document);
      return plain.endsWith('\n') ? plain : `${plain}${ending}`;
    })
    .join('');
}

/** Without the document that holds the line; empty when no document remains. */
export function removeDocument(text: string, line: number): string {
  const pieces = documentPieces(text);
  const target = pieceAt(pieces, line);
  const rest = pieces.filter((piece) => piece !== target);
  return rest.some((piece) => hasContent(piece.text))
    ? rest.map((piece) => piece.text).join('')
    : '';
}

function pieceAt(pieces: readonly Piece[], line: number): Piece | undefined {
  return pieces.find((piece) => piece.firstLine <= line && line <= piece.lastLine);
}

function withMarker(document: string): string {
  const marked = document.split('\n').some((line) => startMarker.test(line));
  return marked ? document : `---\n${document}`;
}

function hasContent(text: string): boolean {
  return text
    .split('\n')
    .some(
      (line) => !preamble.test(line.trimEnd()) && !/^(---|\.\.\.)\s*(#.*)?$/.test(line.trimEnd()),
    );
}
