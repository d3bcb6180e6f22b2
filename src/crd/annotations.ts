/**
 * The annotations that the controller reads. Those of other tools pass; one of our own group that
 * is not known, or that says what it cannot mean, is a fault, because a misspelt protection
 * protects nothing.
 */
import { nearest } from './suggest.ts';

const group = 'benchcluster.io/';

export const protectAnnotation = `${group}protect`;
export const pausedAnnotation = `${group}paused`;
export const confirmAnnotation = `${group}confirm-deletion`;
export const reconcileAnnotation = `${group}reconcile`;

interface Known {
  pattern: RegExp;
  mustBe: string;
  description: string;
}

const known: Record<string, Known> = {
  [protectAnnotation]: {
    pattern: /^(true|false)$/,
    mustBe: 'must be "true" or "false"',
    description:
      '"true": the cluster is not deleted, also when its manifest vanishes, until the annotation is taken away.',
  },
  [pausedAnnotation]: {
    pattern: /^(true|false)$/,
    mustBe: 'must be "true" or "false"',
    description:
      '"true": as `spec.paused: true`, for those who must not touch the spec: observe and report, change nothing.',
  },
  [confirmAnnotation]: {
    pattern: /^[0-9a-f]{12}$/,
    mustBe: 'must be the revision that the condition Stalled of the cluster tells',
    description:
      'Confirms that this cluster gets smaller, where that is held; see `benchctl confirm`.',
  },
  [reconcileAnnotation]: {
    pattern: /^.{1,64}$/,
    mustBe: 'must be one to 64 characters, such as the time of now',
    description:
      'Whenever its value changes: what failed or was given up is tried again at once, as after a change of the spec.',
  },
};

/** For the docs. */
export const annotationsText = Object.entries(known)
  .map(([name, { description }]) => `\`${name}\`: ${description}`)
  .join(' ');

export interface AnnotationIssue {
  name: string;
  message: string;
  hint?: string;
}

export function annotationIssues(annotations: Readonly<Record<string, string>>): AnnotationIssue[] {
  return Object.entries(annotations).flatMap(([name, value]) => {
    if (!name.startsWith(group)) return [];
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (rule !== undefined) return rule.pattern.test(value) ? [] : [{ name, message: rule.mustBe }];
    return [{ name, message: 'is not a known annotation', hint: hintFor(name) }];
  });
}

/** Without the group, which they all have, and which would make any two look alike. */
function hintFor(name: string): string {
  const words = Object.keys(known).map((each) => each.slice(group.length));
  const near = nearest(name.slice(group.length), words);
  const all = Object.keys(known).join(', ');
  return near === undefined ? `known are ${all}` : `did you mean "${group}${near}"?`;
}

interface Annotated {
  annotations?: Record<string, string> | undefined;
}

export function isProtected({ annotations }: Annotated): boolean {
  return annotations?.[protectAnnotation] === 'true';
}

export function isPaused({ annotations }: Annotated): boolean {
  return annotations?.[pausedAnnotation] === 'true';
}
