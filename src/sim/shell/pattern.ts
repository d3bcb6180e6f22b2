/** Shell patterns: `*`, `?` and sets of characters; what was quoted stands for itself. */

export interface PatternText {
  text: string;
  quoted: boolean;
}

/** Without `*`, `?` and `[`, a pattern is a plain text; most are, and those need no machinery. */
function source(parts: PatternText[], lazy: boolean): string {
  let source = '';
  for (const { text, quoted } of parts) {
    if (quoted) source += escaped(text);
    else {
      source += text.replaceAll(/\[!?[^\]]*\]|[^\w\s]/g, (match) => {
        if (match === '*') return lazy ? '[\\s\\S]*?' : '[\\s\\S]*';
        if (match === '?') return '[\\s\\S]';
        if (match.length > 1) return match.replace(/^\[!/, '[^');
        return escaped(match);
      });
    }
  }
  return source;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

export function matches(value: string, pattern: PatternText[]): boolean {
  return new RegExp(`^(?:${source(pattern, true)})$`).test(value);
}

/** What is left of the value without the shortest or longest piece that matches at one end. */
export function trimmed(
  value: string,
  operator: '#' | '##' | '%' | '%%',
  pattern: PatternText[],
): string {
  const lazy = operator.length === 1;
  if (operator.startsWith('#')) {
    return value.replace(new RegExp(`^(?:${source(pattern, lazy)})`), '');
  }
  // From the end: the first place, or the last one, from which all the rest matches.
  const whole = new RegExp(`^(?:${source(pattern, true)})$`);
  for (let step = 0; step <= value.length; step += 1) {
    const at = lazy ? value.length - step : step;
    if (whole.test(value.slice(at))) return value.slice(0, at);
  }
  return value;
}
