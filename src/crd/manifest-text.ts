/**
 * Bytes of a manifest file → text, or why they cannot be one.
 * A file that is cut short must never be read as a smaller cluster (`replicas: 12` cut by two bytes
 * is a valid `replicas: 1`), so text that does not end with a line end is refused as half written.
 */

export const maxManifestBytes = 64 * 1024;

/** Hidden files and what editors leave beside a file are not manifests. */
export function isManifestName(name: string): boolean {
  return /^[^.#].*\.(ya?ml|json)$/i.test(name);
}

export interface TextFault {
  message: string;
  hint?: string;
  /** Offset in the text. */
  offset?: number;
}

export type ManifestText = { text: string } | { fault: TextFault };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function manifestText(bytes: Uint8Array): ManifestText {
  if (bytes.length > maxManifestBytes) {
    return refuse(`is larger than ${maxManifestBytes / 1024} KiB`, 'split it into several files');
  }
  if (bytes.length === 0) return refuse('is empty', 'delete the file if its objects are to go');
  const wide = wideEncoding(bytes);
  if (wide !== undefined) return refuse(`is ${wide}`, 'save it as UTF-8');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('is not valid UTF-8', 'save it as UTF-8, or write it anew if it was cut');
  }
  if (text.startsWith('\ufeff')) {
    return refuse('begins with a byte order mark', 'save it as UTF-8 without BOM');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).padStart(4, '0');
    return { fault: { message: `holds the control character U+${code}`, offset: control.index } };
  }
  if (!text.endsWith('\n')) {
    const hint = 'finish the last line with Enter';
    const message = 'does not end with a line end, so it may be half written';
    return { fault: { message, hint, offset: text.length } };
  }
  return { text };
}

function refuse(message: string, hint: string): ManifestText {
  return { fault: { message, hint } };
}

/** UTF-16 and UTF-32 by their marks, or by the zeros beside the first characters. */
function wideEncoding(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32';
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32' : 'UTF-16';
  if (a === 0xfe && b === 0xff) return 'UTF-16';
  if (bytes.length >= 4 && a !== 0 && b === 0 && c !== 0 && d === 0) return 'UTF-16';
  if (bytes.length >= 4 && a === 0 && b !== 0 && c === 0 && d !== 0) return 'UTF-16';
  return undefined;
}
