import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import {
  documentAt,
  documentPieces,
  removeDocument,
  replaceDocument,
} from '../../src/cli/edit/document.ts';

const three = '# head\n---\na: 1\n# tail\n---\nb: 2\n---\nc: |\n  text\n';

test('comments before a marker belong to the document that follows', () => {
  assert.equal(documentAt(three, 3), '# head\n---\na: 1\n# tail\n');
  assert.equal(documentAt(three, 6), '---\nb: 2\n');
  assert.equal(documentAt(three, 9), '---\nc: |\n  text\n');
  assert.equal(documentAt(three, 99), undefined);
});

test('a document without markers is the whole text', () => {
  assert.equal(documentAt('a: 1\nb: 2', 2), 'a: 1\nb: 2');
});

test('an end marker ends a document, and directives belong to the next', () => {
  const text = 'a: 1\n...\n%YAML 1.2\n---\nb: 2\n';
  assert.equal(documentAt(text, 1), 'a: 1\n...\n');
  assert.equal(documentAt(text, 5), '%YAML 1.2\n---\nb: 2\n');
});

test('removing one document leaves every other byte', () => {
  assert.equal(removeDocument(three, 6), '# head\n---\na: 1\n# tail\n---\nc: |\n  text\n');
  assert.equal(removeDocument('a: 1\n---\nb: 2\n', 1), '---\nb: 2\n');
});

test('removing the last document leaves nothing, also where comments stay', () => {
  assert.equal(removeDocument('# only\na: 1\n', 2), '');
  assert.equal(removeDocument('---\n# nothing\n---\na: 1\n', 4), '');
});

test('replacing keeps the neighbours apart', () => {
  assert.equal(
    replaceDocument('a: 1\n---\nb: 2\n---\nc: 3\n', 3, 'x: 9'),
    'a: 1\n---\nx: 9\n---\nc: 3\n',
  );
  assert.equal(replaceDocument('a: 1\n---\nb: 2\n', 1, 'x: 9'), 'x: 9\n---\nb: 2\n');
  assert.equal(replaceDocument('a: 1\r\n---\r\nb: 2\r\n', 3, '---\nx: 9\n'), 'a: 1\r\n---\nx: 9\n');
});

const value = fc.tuple(fc.string({ maxLength: 12 }), fc.array(fc.integer()));
const files = fc.array(value, { minLength: 1, maxLength: 5 });
const render = (values: unknown[]) =>
  values.map((item) => `# c\n${JSON.stringify(item)}\n`).join('---\n');
const read = (text: string): unknown[] => {
  const documents = parseAllDocuments(text);
  return Array.isArray(documents)
    ? documents.filter((item) => item.contents !== null).map((item): unknown => item.toJS())
    : [];
};

test('pieces joined are the text, whatever it is', () => {
  const line = fc.oneof(
    fc.constantFrom('---', '...', '# c', '', '%YAML 1.2', '--- x'),
    fc.string(),
  );
  const text = fc
    .tuple(fc.array(line), fc.constantFrom('\n', '\r\n'))
    .map(([lines, end]) => lines.join(end));
  fc.assert(
    fc.property(text, (source) => {
      assert.equal(
        documentPieces(source)
          .map((piece) => piece.text)
          .join(''),
        source,
      );
    }),
  );
});

test('of any file, one document can be taken out or replaced and YAML reads the rest', () => {
  const property = fc.property(files, fc.nat(), value, (values, pick, other) => {
    const index = pick % values.length;
    const line = index * 3 + 2;
    const without = values.filter((_, at) => at !== index);
    assert.deepEqual(read(removeDocument(render(values), line)), without);
    const replaced = values.map((item, at) => (at === index ? other : item));
    const after = replaceDocument(render(values), line, JSON.stringify(other));
    assert.deepEqual(read(after), replaced);
  });
  fc.assert(property);
});
