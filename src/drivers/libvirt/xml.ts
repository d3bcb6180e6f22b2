/**
 * XML in and out, the only file that knows an XML library.
 * Out: a tree of plain values becomes text by a serializer, never by pasting strings. In: strict
 * and bounded, because names and descriptions on a host are written by strangers: a document type,
 * an unknown entity, mismatched tags, or more size, depth or elements than libvirt ever makes is
 * an XmlFault. Prefixes are resolved; an element is known by its namespace and local name.
 */
import { SaxesParser } from 'saxes';
import { create } from 'xmlbuilder2';

export interface XmlElement {
  readonly name: string;
  readonly uri: string;
  /** Attributes without a namespace; others (there are none that we need) are dropped. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Character data directly inside, trimmed. */
  readonly text: string;
}

export class XmlFault extends Error {
  override readonly name = 'XmlFault';
  readonly code = 'XML_FAULT';
}

const maxCharacters = 4 * 1024 * 1024;
const maxDepth = 64;
const maxElements = 50_000;

type MutableElement = XmlElement & { children: XmlElement[]; text: string };

export function parseXml(text: string): XmlElement {
  if (text.length > maxCharacters) throw new XmlFault('XML document is too large');
  const parser = new SaxesParser({ xmlns: true, position: false });
  const open: MutableElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const addText = (data: string): void => {
    const top = open.at(-1);
    if (top !== undefined) top.text += data;
  };
  parser.on('error', (error) => {
    throw new XmlFault(`Malformed XML: ${error.message}`, { cause: error });
  });
  parser.on('doctype', () => {
    throw new XmlFault('XML with a document type is refused');
  });
  parser.on('opentag', (tag) => {
    elements += 1;
    if (elements > maxElements) throw new XmlFault('XML with too many elements');
    if (open.length >= maxDepth) throw new XmlFault('XML is nested too deeply');
    const attributes = new Map<string, string>();
    for (const attribute of Object.values(tag.attributes)) {
      if (attribute.uri === '') attributes.set(attribute.local, attribute.value);
    }
    open.push({ name: tag.local, uri: tag.uri, attributes, children: [], text: '' });
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element === undefined) return;
    element.text = element.text.trim();
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  parser.write(text).close();
  if (root === undefined) throw new XmlFault('XML without an element');
  return root;
}

/** The root, if it is the element that is expected there. */
export function parseRoot(text: string, name: string): XmlElement {
  const root = parseXml(text);
  if (root.name !== name || root.uri !== '') {
    throw new XmlFault(`Expected <${name}> and found <${root.name}>`);
  }
  return root;
}

/** Children of that name in libvirt's own (no) namespace. */
export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name && child.uri === '');
}

/** First element along a path of names. */
export function find(element: XmlElement, ...path: string[]): XmlElement | undefined {
  let current: XmlElement | undefined = element;
  for (const name of path) {
    if (current === undefined) return undefined;
    current = childrenOf(current, name)[0];
  }
  return current;
}

export function textAt(element: XmlElement, ...path: string[]): string | undefined {
  const text = find(element, ...path)?.text;
  return text === '' ? undefined : text;
}

/** Each element below, itself included, depth first. */
export function* descendants(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* descendants(child);
}

/** An element to write: name, attributes (`undefined` is left out), content. */
export interface XmlNode {
  name: string;
  attributes: Readonly<Record<string, string | number | undefined>>;
  content: readonly (XmlNode | undefined)[] | string | number | undefined;
}

export function node(
  name: string,
  attributes: XmlNode['attributes'] = {},
  content?: XmlNode['content'],
): XmlNode {
  return { name, attributes, content };
}

export function renderXml(root: XmlNode): string {
  const document = create({ version: '1.0' });
  append(document, root);
  return document.end({ headless: true, prettyPrint: true });
}

function append(parent: ReturnType<typeof create>, item: XmlNode): void {
  const element = parent.ele(item.name);
  for (const [key, value] of Object.entries(item.attributes)) {
    if (value !== undefined) element.att(key, checked(String(value), /[\t\n\r]/));
  }
  if (typeof item.content === 'string' || typeof item.content === 'number') {
    element.txt(checked(String(item.content)));
    return;
  }
  for (const child of item.content ?? []) if (child !== undefined) append(element, child);
}

/**
 * The serializer escapes what XML can say. What it cannot say at all, or what a parser would read
 * back as something else (a line break in an attribute is a blank), is refused here.
 */
function checked(text: string, unsafe = /\r/): string {
  const unspeakable = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
  if (unspeakable.test(text) || unsafe.test(text)) {
    throw new XmlFault('Text holds a character that XML cannot hold');
  }
  return text;
}
