/** What the API takes, the module of Slurm takes: nothing is refused only when it is too late. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkConfig } from '../../src/controllers/schedulers/slurm/config.ts';
import { SlurmConfig } from '../../src/crd/slurm-config.ts';

const source = new URL('../../src/controllers/schedulers/slurm/config.ts', import.meta.url);
const parameters = [...new Set(readFileSync(source, 'utf8').match(/\b[A-Z][A-Za-z]{3,}\b/g))];

function accepted(config: Record<string, string | number>): boolean {
  return SlurmConfig.safeParse(config).success;
}

test('every parameter that the module keeps to itself is refused by the API', () => {
  assert(parameters.includes('TreeWidth'));
  for (const name of parameters) {
    if (accepted({ [name]: 'x' })) assert.deepEqual(checkConfig({ config: { [name]: 'x' } }), []);
  }
});

test('every value that the API takes, the module takes', () => {
  const character = fc.constantFrom(
    ...' \t\n\r#\\"\'=,;:/a0é\u00a0\u200b\u2028\u202e\ufeff\u0085\u0000',
  );
  const value = fc.oneof(
    fc.string(),
    fc.array(character, { maxLength: 6 }).map((parts) => parts.join('')),
    fc.constantFrom('x'.repeat(1024), 'x'.repeat(1025)),
    fc.integer(),
  );
  fc.assert(
    fc.property(value, (each) => {
      if (accepted({ Epilog: each }))
        assert.deepEqual(checkConfig({ config: { Epilog: each } }), []);
    }),
    { numRuns: 3000 },
  );
});
