/**
 * Colour as meaning: a tone is chosen where the fact is known, and becomes an escape sequence only
 * on a terminal that wants it. Widths are always computed on the text before it is painted.
 */

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold';

export type Paint = (text: string, tone: Tone | undefined) => string;

const codes: Record<Tone, string> = { good: '32', warn: '33', bad: '31', dim: '2', bold: '1' };

export function createPaint(enabled: boolean): Paint {
  if (!enabled) return (text) => text;
  return (text, tone) =>
    tone === undefined || text === '' ? text : `\u001b[${codes[tone]}m${text}\u001b[0m`;
}

/** `--no-color`, NO_COLOR (https://no-color.org), a dumb terminal or a pipe: no colour. */
export function wantsColor(options: {
  isTTY: boolean;
  env: Readonly<Record<string, string | undefined>>;
  flag: boolean;
}): boolean {
  const { NO_COLOR: noColor, TERM: term } = options.env;
  return options.flag && options.isTTY && (noColor ?? '') === '' && term !== 'dumb';
}
