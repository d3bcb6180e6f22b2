/** The files of the project as the house rules look at them: those that are, or will be, committed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));

export interface SourceFile {
  /** Relative to the root. */
  path: string;
  text: string;
}

export function filesUnder(...folders: string[]): SourceFile[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...folders];
  const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).trim().split('\n');
  return paths
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

export function typescriptUnder(...folders: string[]): SourceFile[] {
  return filesUnder(...folders).filter(({ path }) => path.endsWith('.ts'));
}

/** Code without its comments, so that a rule is not broken by speaking of it. */
export function codeOf({ text }: SourceFile): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

/** Fails with the place and the match, not with the whole text. */
export function forbid(text: string, pattern: RegExp, message: string): void {
  const found = pattern.exec(text);
  assert(found === null, `${message} (found ${JSON.stringify(found?.[0])})`);
}

export interface Import {
  /** A path relative to the root, `node:fs`, or the name of a package. */
  target: string;
  typeOnly: boolean;
}

export function importsOf(file: SourceFile): Import[] {
  const code = codeOf(file);
  const statements = [
    ...code.matchAll(/^(?:import|export)\s+(type\s)?[^'"`;]*?from\s*'([^']+)'/gm),
    ...code.matchAll(/^import\s+()'([^']+)'/gm),
    ...code.matchAll(/\bimport\(\s*()'([^']+)'\s*\)/g),
  ];
  return statements.map(([, type, specifier = '']) => ({
    target: specifier.startsWith('.')
      ? normalize(join(dirname(file.path), specifier))
      : packageOf(specifier),
    typeOnly: Boolean(type),
  }));
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}
