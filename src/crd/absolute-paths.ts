/**
 * Files are named relative to the manifest that names them, so a manifest that moves to another
 * directory must name them absolutely. Only the values change; comments and all else stay. Pure.
 */
import { posix } from 'node:path';
import { isAlias, isScalar } from 'yaml';
import type { KindName } from './kinds.ts';
import { parseYaml } from './yaml-syntax.ts';

/** The fields that `load` resolves; the caller of `absolutePaths` proves that none is missing. */
const fileFields: Partial<Record<KindName, string[][]>> = {
  BenchImage: [
    ['spec', 'source', 'path'],
    ['spec', 'boot', 'kernel', 'path'],
    ['spec', 'boot', 'initrd', 'path'],
  ],
  BenchHost: [
    ['spec', 'ssh', 'identityFile'],
    ['spec', 'ssh', 'knownHostsFile'],
  ],
};

/**
 * The text of one document with its paths made absolute. What is written in an unusual way may
 * stay as it is, so the result counts only when loading it gives the same object.
 */
export function absolutePaths(text: string, kind: KindName, fromDir: string): string {
  const [document] = parseYaml(text).documents;
  if (document === undefined) return text;
  const edits = (fileFields[kind] ?? []).flatMap((field) => {
    const node = document.getIn(field, true);
    const target = isAlias(node) ? node.resolve(document) : node;
    if (!isScalar(target) || typeof target.value !== 'string') return [];
    const written = isAlias(node) ? node : target;
    if (!written.range || posix.isAbsolute(target.value)) return [];
    const [start, end] = written.range;
    return [{ start, end, path: posix.join(fromDir, target.value) }];
  });
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce(
      (edited, { start, end, path }) =>
        `${edited.slice(0, start)}${JSON.stringify(path)}${edited.slice(end)}`,
      text,
    );
}
