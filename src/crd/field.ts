/**
 * What every API field says of itself besides its type: a description and the effect of a change.
 * `live` is applied to the running cluster, `rolling` replaces VMs pool by pool, `immutable` is
 * refused once the object exists. The docs, the CRD and `benchctl plan` all read it from here.
 */
import { z } from 'zod';
import { annotationIssues, annotationsText } from './annotations.ts';

export type UpdateEffect = 'live' | 'rolling' | 'immutable';

/** A rule in the Common Expression Language, for the CRD; the schema checks the same itself. */
export interface CelRule {
  rule: string;
  message: string;
}

export interface FieldMeta {
  description: string;
  effect?: UpdateEffect;
  cel?: CelRule[];
  /** A list of objects that are told apart by this field. */
  keyedBy?: string;
  [key: string]: unknown;
}

/** Attaches meaning and effect to a schema. */
export function field<S extends z.ZodType>(
  schema: S,
  effect: UpdateEffect,
  description: string,
  more: Omit<FieldMeta, 'description' | 'effect'> = {},
): S {
  return schema.meta({ ...more, description, effect });
}

export const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** The shape of every name that becomes a host name, domain or file; give it a length. */
export const Label = z
  .string()
  .regex(namePattern, 'must be lower-case letters, digits and "-", with no "-" at either end');

/** RFC 1123 label. */
export const Name = Label.max(63);

/** One line of text that no control character can break out of. */
export const Line = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it keeps out.
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must be one line without control characters');

/** Absolute, or relative to the directory of the manifest. */
export const FilePath = Line.min(1)
  .max(4096)
  .refine((path) => !path.startsWith('~'), {
    error: 'must not begin with "~": it stands for different directories',
    params: { hint: 'write the absolute path, or one relative to the manifest' },
  });

export const apiVersion = 'benchcluster.io/v1alpha1';

const Text = z.record(Line.min(1).max(317), z.string().max(4096));

export const ObjectMeta = z.strictObject({
  name: field(Label.max(40), 'immutable', 'Name, unique per kind and namespace.'),
  namespace: field(Name.default('default'), 'immutable', 'Namespace; `default` if absent.'),
  labels: field(Text.optional(), 'live', 'Labels, for people and tools.'),
  annotations: field(
    Text.check(({ value, issues }) => {
      for (const { name, message, hint } of annotationIssues(value)) {
        const params = hint === undefined ? {} : { hint };
        issues.push({ code: 'custom', path: [name], message, params, input: value[name] });
      }
    }).optional(),
    'live',
    `Annotations. Of a BenchCluster the controller reads: ${annotationsText}`,
  ),
});
export type ObjectMeta = z.infer<typeof ObjectMeta>;
