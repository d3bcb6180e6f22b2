/**
 * Settings of a manifest on their way into slurm.conf, and words on their way into a shell. The
 * input is a parameter and its value in each line; each is also a word to quote.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { checkConfig } from '../../../src/controllers/schedulers/slurm/config.ts';
import { renderHead } from '../../../src/controllers/schedulers/slurm/render.ts';
import { ownedSlurmParameters, SlurmConfig } from '../../../src/crd/slurm-config.ts';
import { quote, quoteAll, UnquotableError } from '../../../src/lib/quote.ts';
import { bytesOf, type Surface, textOf, valueOr } from '../surface.ts';

const head = { cluster: 'a', name: 'a-head-0', address: '10.0.0.1', pools: ['w', 'default'] };
const examples = ['SlurmctldDebug=debug', 'SlurmctldParameters=cloud_dns', 'KillWait=30'];
const shells = ['sh', 'dash', 'bash'];
/** A real shell costs milliseconds, so it reads one input of so many. */
const shellEvery = 512;

export const slurmConfig: Surface = {
  name: 'slurm-config',
  property: 'a setting that is accepted is one parameter of slurm.conf, and a word stays one word',
  covers: [
    ...['controllers/schedulers/slurm/config.ts', 'controllers/schedulers/slurm/render.ts'],
    ...['crd/slurm-config.ts', 'lib/quote.ts'],
  ],
  tokens: [
    ...[
      '\n',
      '\r',
      '\u0085',
      '\u2028',
      '\u00a0',
      '\ufeff',
      '\u200b',
      '\\',
      '#',
      '=',
      ',',
      ' ',
      '"',
    ],
    ...["'", "'\\''", '$(id)', '`id`', '\u0000', '!!', '--', '\u0130', '\u017f', '\u212a'],
    ...[
      'SlurmctldParameters=enable_configless',
      'NodeName=x',
      'Include=/etc/passwd',
      '__proto__=1',
    ],
    ...['slurmctldport=1', 'Prolog=/p', 'constructor=1', 'Nodes=ALL', 'SelectType=x', '1e999'],
  ],
  maxBytes: 2 * 1024,
  limitMs: 50,
  seeds: () =>
    [examples.join('\n'), "Prolog=/p'q\nEpilog=a b", ...Object.keys(ownedSlurmParameters)].map(
      bytesOf,
    ),
  check(bytes) {
    const lines = textOf(bytes).split('\n');
    // Neither YAML nor JSON of a manifest can have that key: the loader refuses it by name.
    const settings = lines.filter((line) => !line.startsWith('__proto__'));
    const config = Object.fromEntries(
      settings.map((line): [string, string] => {
        const at = line.indexOf('=');
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
      }),
    );
    const parsed = SlurmConfig.safeParse(config);
    if (parsed.success) {
      assert.deepEqual(parsed.data, config, 'a setting was dropped');
      assert.deepEqual(checkConfig({ config }), [], 'the schema takes what the module refuses');
    }
    checkRendered(config);
    checkWords(lines, bytes);
  },
};

const plain = parametersOf(renderHead({ ...head, config: { config: {} } }).conf);

function checkRendered(config: Record<string, string>): void {
  const isRefused = (error: unknown) => error instanceof RangeError;
  const rendered = valueOr(() => renderHead({ ...head, config: { config } }), isRefused);
  if (rendered === undefined) return;
  const parameters = parametersOf(rendered.conf);
  for (const [name, value] of parameters) {
    const given = Object.entries(config).find(([key]) => key.toLowerCase() === name)?.[1];
    if (name === 'slurmctldparameters') {
      assert(value[0]?.split(',').includes('enable_configless'), 'without configless');
    } else assert.deepEqual(value, given === undefined ? plain.get(name) : [given.trim()], name);
  }
  for (const name of plain.keys()) assert(parameters.has(name), `${name} is lost`);
}

/** As Slurm reads its file: comments and joined lines first, then the words of each line. */
function parametersOf(conf: string): Map<string, string[]> {
  const lines = conf.replaceAll(/\\[ \t]*\n/g, '').split(/[\n\r\v\f\u0085\u2028\u2029]/);
  const found = new Map<string, string[]>();
  for (const line of lines) {
    const words = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== '');
    const [first = ''] = words;
    if (first === '') continue;
    const at = first.indexOf('=');
    assert(at > 0, `no parameter: ${line}`);
    const name = first.slice(0, at).toLowerCase();
    const isList = /^(nodeset|partitionname)$/.test(name);
    assert(isList || words.length === 1, `more than one word: ${line}`);
    assert(isList || !found.has(name), `${name} twice`);
    found.set(name, [...(found.get(name) ?? []), words.join(' ').slice(at + 1)]);
  }
  return found;
}

function checkWords(words: readonly string[], bytes: Uint8Array): void {
  const known = words.filter((word) => {
    const quoted = valueOr(
      () => quote(word),
      (error) => error instanceof UnquotableError,
    );
    if (quoted === undefined) assert(word.includes('\0'), 'refused without a reason');
    else assert.equal(unquoted(quoted), word);
    return quoted !== undefined;
  });
  const sum = bytes.reduce((total, byte) => (total * 31 + byte) >>> 0, 7);
  if (sum % shellEvery !== 0 || known.length === 0) return;
  for (const shell of shells) {
    const input = `printf '%s\\0' ${quoteAll(known)}\n`;
    const { stdout, status } = spawnSync(shell, ['-s'], { input, timeout: 10_000 });
    assert.equal(status, 0, `${shell} does not read it`);
    assert.deepEqual(stdout.toString().split('\0').slice(0, -1), known, shell);
  }
}

/** One word by the rules of POSIX, for what our quoting makes use of; anything else throws. */
function unquoted(text: string): string {
  const parts = text.match(/'[^']*'|\\'|[^\s'\\$`"&|;<>()*?![\]{}~#]+/g) ?? [];
  assert.equal(parts.join(''), text, 'not one word of a shell');
  return parts.map((part) => (part === "\\'" ? "'" : part.replaceAll("'", ''))).join('');
}
