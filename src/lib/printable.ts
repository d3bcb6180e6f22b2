/**
 * Text from outside (messages, journals, consoles) made safe for a terminal.
 * A guest may print sequences that repaint the screen or turn text around; those become visible
 * characters. It is for people: JSON and YAML carry the data as it is.
 */

const control =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

export function printable(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replace(control, (char) => `\\x${(char.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}

/** The same on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s+/g, ' ').trim();
}

/** Cut to a width with an ellipsis; the end of a message matters less than its beginning. */
export function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  return width <= 1 ? text.slice(0, Math.max(width, 0)) : `${text.slice(0, width - 1)}…`;
}

/** A name that was no UTF-8: what was read is not what it is, and nothing is found by it. */
export function isDamaged(name: string): boolean {
  return name.includes('\u{fffd}');
}
