/**
 * The size of a node's virtual machine: the fields that head and workers share.
 * The text of a quantity is kept as the user wrote it; limits are checked on its value.
 */
import { z } from 'zod';
import { type CelRule, field, Name } from './field.ts';
import { bytesOf, durationPattern, millisecondsOf, quantityPattern } from './quantity.ts';

function quantity(least: string, most: string) {
  const cel: CelRule[] = [
    {
      rule: `quantity(self).compareTo(quantity('${least}')) >= 0`,
      message: `must be at least ${least}`,
    },
    {
      rule: `quantity(self).compareTo(quantity('${most}')) <= 0`,
      message: `must be at most ${most}`,
    },
  ];
  const inRange = (text: string, test: (bytes: number) => boolean) =>
    !quantityPattern.test(text) || test(bytesOf(text));
  const schema = z
    .string()
    .max(30)
    .regex(quantityPattern, 'must be a quantity such as 512Mi, 2Gi or 8G')
    .refine((text) => inRange(text, (bytes) => bytes >= bytesOf(least)), {
      error: `must be at least ${least}`,
      params: { hint: 'sizes without a unit are bytes: write 2Gi, 512Mi' },
    })
    .refine((text) => inRange(text, (bytes) => bytes <= bytesOf(most)), {
      error: `must be at most ${most}`,
    });
  return { schema, cel };
}

const memory = quantity('64Mi', '16Ti');
const disk = quantity('1Gi', '64Ti');
const longest = '720h';

export const Duration = z
  .string()
  .max(40)
  .regex(durationPattern, 'must be a duration such as 90s, 10m or 1h30m')
  .refine(
    (text) => !durationPattern.test(text) || millisecondsOf(text) <= millisecondsOf(longest),
    {
      error: `must be at most ${longest}`,
    },
  );

/** Spread into the schema of a pool. */
export const machineFields = {
  cpus: field(z.int().min(1).max(512).default(1), 'rolling', 'Virtual CPUs of each node.'),
  memory: field(memory.schema.default('1Gi'), 'rolling', 'Memory of each node.', {
    cel: memory.cel,
  }),
  disk: field(disk.schema.default('8Gi'), 'rolling', 'Size of the root disk (a thin overlay).', {
    cel: disk.cel,
  }),
  image: field(Name.optional(), 'rolling', 'BenchImage of this pool; default: `spec.image`.'),
};
