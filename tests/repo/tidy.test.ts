/** Shape of files: sizes, heads, exports, and what must never be committed. */
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { test } from 'node:test';
import { codeOf, filesUnder, forbid, typescriptUnder } from './source-files.ts';

const code = typescriptUnder('src', 'scripts', 'lab', 'bench');
const tests = typescriptUnder('tests');

test('a file has at most 300 lines, a test at most 500', () => {
  const lines = (text: string) => text.split('\n').length - 1;
  const long = [
    ...code.filter(({ text }) => lines(text) > 300),
    ...tests.filter(({ text }) => lines(text) > 500),
  ];
  assert.deepEqual(
    long.map(({ path, text }) => `${path}: ${lines(text)}`),
    [],
    'split it by idea',
  );
});

test('a file opens by saying what it is', () => {
  const silent = code.filter(({ text }) => !/^(#!.*\n)?\s*(\/\*\*|\/\/ )/.test(text));
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  );
});

test('names are in kebab-case, and no file is a dumping ground', () => {
  for (const { path } of [...code, ...tests]) {
    const name = basename(path).replace(/(\.test|\.gen)?\.ts$/, '');
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/, path);
    forbid(name, /^(utils?|helpers?|misc|common|index)$/, `${path}: name the idea`);
  }
});

test('exports have names, and no file only hands on others', () => {
  for (const file of [...code, ...tests]) {
    forbid(codeOf(file), /^export default\b/m, file.path);
    forbid(codeOf(file), /^export \*/m, `${file.path}: import the defining file`);
  }
});

test('types are erasable and honest', () => {
  for (const file of [...code, ...tests]) {
    const text = codeOf(file);
    forbid(text, /^\s*(export )?(declare )?(const )?enum\s/m, file.path);
    forbid(text, /@ts-(ignore|nocheck|expect-error)/, file.path);
  }
});

test('nothing is left for later, and no test is switched off', () => {
  const later = new RegExp(`\\b(${['TO', 'FIX', 'XX'].join('|')})(DO|ME|X)\\b`);
  for (const file of filesUnder('src', 'tests', 'scripts', 'lab', 'bench', 'images', 'docs')) {
    forbid(file.text, later, file.path);
  }
  for (const file of tests) {
    forbid(codeOf(file), /\b(test|it|describe)\.(only|todo|skip)\(/, file.path);
  }
});

test('no file names a registry, a proxy, or a path of one machine', () => {
  const hosts =
    /\b(registry\.(npmjs|yarnpkg|[a-z0-9-]+\.[a-z]{2,})|proxy\.golang|artifactory|nexus)\b/i;
  const machine = new RegExp(`(^|[\\s"'\`=:(])/(${['wo', 'mn'].join('rk|')}t)/`, 'm');
  for (const file of filesUnder('.')) {
    if (file.path.startsWith('tests/repo/')) continue;
    forbid(file.text, hosts, file.path);
    forbid(file.text, machine, file.path);
    forbid(file.text, /"resolved":/, `${file.path}: npm install --omit=resolved`);
  }
});

test('no key or password of anybody is committed', () => {
  for (const file of filesUnder('.')) {
    const begin = new RegExp(`-----BEGIN [A-Z ]*${'PRIVATE'} KEY-----\\s+[A-Za-z0-9+/]{30}`);
    forbid(file.text, begin, file.path);
  }
});
