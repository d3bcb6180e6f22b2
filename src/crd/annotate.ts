/**
 * Sets and takes away annotations in the text of one document. Comments, order and styles stay; the
 * caller proves that nothing else has changed by loading the result. Pure.
 */
import { isMap } from 'yaml';
import { parseYaml } from './yaml-syntax.ts';

/** By annotation name: its new value, or undefined to take it away. */
export type AnnotationChanges = Readonly<Record<string, string | undefined>>;

export function annotate(text: string, changes: AnnotationChanges): string {
  const [document] = parseYaml(text).documents;
  if (document === undefined) return text;
  for (const [name, value] of Object.entries(changes)) {
    const path = ['metadata', 'annotations', name];
    if (value !== undefined) document.setIn(path, value);
    else if (document.hasIn(path)) document.deleteIn(path);
  }
  const annotations = document.getIn(['metadata', 'annotations']);
  if (isMap(annotations) && annotations.items.length === 0) {
    document.deleteIn(['metadata', 'annotations']);
  }
  // Long lines stay as they are, and `{name: a}` gets no spaces that it did not have.
  return document.toString({ lineWidth: 0, flowCollectionPadding: /\{ /.test(text) });
}
