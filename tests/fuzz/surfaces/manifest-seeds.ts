/** Manifest texts that other tests hold, and the words of the language. */
import { readdirSync, readFileSync } from 'node:fs';
import { clusterText, hostText, imageText } from '../../crd/manifest-texts.ts';
import { bytesOf } from '../surface.ts';

interface Case {
  text?: string;
  base64?: string;
}

const corpus: Record<string, Case> = JSON.parse(
  readFileSync(new URL('../../corpus/manifests.json', import.meta.url), 'utf8'),
);

export function corpusFiles(): Uint8Array[] {
  return Object.values(corpus).map(({ text = '', base64 }) =>
    base64 === undefined ? bytesOf(text) : Buffer.from(base64, 'base64'),
  );
}

export function goodFiles(): Uint8Array[] {
  const examples = new URL('../../../manifests/examples/', import.meta.url);
  return [
    clusterText(),
    clusterText({ spec: '  scheduler: {slurm: {config: {KillWait: 9}}}\n' }),
    `${clusterText()}---\n${hostText()}---\n${imageText()}...\n`,
    ...readdirSync(examples).map((name) => readFileSync(new URL(name, examples), 'utf8')),
  ].map(bytesOf);
}

export const yamlTokens = [
  ...[':', ': ', '- ', '? ', '[', ']', '{', '}', ', ', '|', '>', '|-\n', '&a ', '*a', '!t ', '#'],
  ...[
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '\t',
    '\r\n',
    '\\',
    '<<: *a',
    '__proto__',
    'constructor',
    'length: {}',
  ],
  ...['\ufeff', '\u0000', '\u2028', '\u0412', '~', 'null', 'yes', 'no', '08', '1:30', '.inf'],
  ...['1e400', '-0', '0o7', '\u0661', '"\\u0000"', "''", '2Gi', '10m', 'x'.repeat(70)],
  ...['kind: BenchCluster\n', 'kind: BenchHost\n', 'kind: BenchImage\n', '  name: a\n'],
  ...['apiVersion: benchcluster.io/v1alpha1\n', 'metadata:\n', 'spec:\n', '  workers:\n  - '],
  ...['annotations: ', 'labels: ', 'namespace: ', 'scheduler: ', 'slurm: ', 'config: ', 'image: '],
  ...['network: ', 'subnet: ', 'controlPlane: ', 'replicas: ', 'cpus: ', 'memory: ', 'disk: '],
  ...['drain: ', 'timeout: ', 'onTimeout: Force', 'rollout: ', 'maxSurge: ', 'access: '],
  ...['authorizedKeys: ', 'uri: ', 'ssh: ', 'identityFile: ', 'knownHostsFile: ', 'pool: '],
  ...['source: ', 'path: ', 'sha256: ', 'boot: ', 'kernel: ', 'initrd: ', 'cmdline: ', 'paused: '],
  ...['qemu+ssh://a@b/system', '10.0.0.0/24', 'ab'.repeat(32)],
] as const;
