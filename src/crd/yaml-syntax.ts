/**
 * Text → YAML documents, with every limit checked token by token, before anything is built.
 * The parser's work grows faster than its input for deep or wide documents, so it is stopped as
 * soon as a limit is passed. What Kubernetes manifests do not need (tags, other YAML versions) is
 * refused, because it changes what the same text means.
 */
import { Composer, CST, type Document, Lexer, LineCounter, Parser } from 'yaml';
import type { TextFault } from './manifest-text.ts';

export const yamlLimits = {
  keys: 2000,
  depth: 40,
  aliases: 20,
  documents: 100,
  tokens: 20_000,
  faults: 20,
} as const;

export interface YamlSyntax {
  documents: Document.Parsed[];
  /** Of the whole file; when there are any, there are no documents. */
  faults: TextFault[];
  lines: LineCounter;
}

class LimitPassed extends Error {
  readonly fault: TextFault;
  constructor(message: string, offset: number) {
    super(message);
    this.name = 'LimitPassed';
    this.fault = { message, offset };
  }
}

export function parseYaml(text: string): YamlSyntax {
  const lines = new LineCounter();
  try {
    const { tokens, faults } = readTokens(text, lines);
    if (faults.length > 0) return { documents: [], faults, lines };
    const options = { uniqueKeys: false, prettyErrors: false, merge: false } as const;
    const composer = new Composer(options);
    return { documents: [...composer.compose(tokens)] as Document.Parsed[], faults, lines };
  } catch (thrown) {
    if (thrown instanceof LimitPassed) return { documents: [], faults: [thrown.fault], lines };
    // The library throws bare errors, even RangeError, on some broken input: all mean "invalid".
    return { documents: [], faults: [{ message: 'cannot be read as YAML' }], lines };
  }
}

function readTokens(text: string, lines: LineCounter) {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  const faults: TextFault[] = [];
  const counts = { tokens: 0, keys: 0, commas: 0, aliases: 0, anchors: 0, documents: 1 };
  const take = (token: CST.Token) => {
    tokens.push(token);
    if (token.type === 'error') faults.push({ message: token.message, offset: token.offset });
  };
  // The parser reports later lines; the first one begins with the text.
  lines.addNewLine(0);
  let offset = 0;
  const count = (what: keyof typeof counts, limit: number, noun: string) => {
    counts[what] += 1;
    if (counts[what] > limit) throw new LimitPassed(`has more than ${limit} ${noun}`, offset);
  };
  for (const lexeme of new Lexer().lex(text)) {
    count('tokens', yamlLimits.tokens, 'tokens');
    const type = CST.tokenType(lexeme);
    if (type === 'map-value-ind' || type === 'explicit-key-ind') {
      count('keys', yamlLimits.keys, 'keys');
    } else if (type === 'comma') count('commas', 2 * yamlLimits.keys, 'entries');
    else if (type === 'alias') count('aliases', yamlLimits.aliases, 'aliases');
    else if (type === 'anchor') count('anchors', yamlLimits.aliases, 'anchors');
    else if (type === 'doc-start') count('documents', yamlLimits.documents, 'documents');
    const refusal = refusalOfToken(type, lexeme);
    if (refusal !== undefined) faults.push({ ...refusal, offset });
    for (const token of parser.next(lexeme)) take(token);
    if (faults.length >= yamlLimits.faults) break;
    // A level takes at most two places: the collection, and the scalar or item that began it.
    if (parser.stack.length > 2 * yamlLimits.depth) {
      throw new LimitPassed(`is nested deeper than ${yamlLimits.depth} levels`, offset);
    }
    if (!isMark(lexeme)) offset += lexeme.length;
  }
  for (const token of parser.end()) take(token);
  return { tokens, faults: faults.slice(0, yamlLimits.faults) };
}

/** Marks that the lexer puts between the parts of the text, and that are not in it. */
function isMark(lexeme: string): boolean {
  return lexeme === CST.DOCUMENT || lexeme === CST.FLOW_END || lexeme === CST.SCALAR;
}

function refusalOfToken(type: CST.TokenType | null, lexeme: string): TextFault | undefined {
  if (type === 'tag' && lexeme !== '!') {
    return { message: `uses the YAML tag ${lexeme.slice(0, 40)}`, hint: 'write the plain value' };
  }
  if (type === 'directive-line') {
    const hint = 'remove the line that begins with "%"';
    return { message: 'uses a YAML directive', hint };
  }
  return undefined;
}
