/**
 * Slurm's compressed lists of hosts, such as `a-[0-2,07],b`, written out.
 * The input comes from another machine, so its size is bounded and what is not understood throws:
 * a job whose nodes are unknown must never make a node look empty.
 */

const limit = 20_000;

export function expandHostlist(text: string): string[] {
  const hosts: string[] = [];
  for (const part of splitOutsideBrackets(text)) {
    for (const host of expandPart(part)) {
      if (hosts.push(host) > limit) throw new RangeError('a host list names too many hosts');
    }
  }
  return hosts;
}

function splitOutsideBrackets(text: string): string[] {
  const parts = text.match(/(?:[^,[\]]|\[[^[\]]*\])+/g) ?? [];
  if (parts.join(',') !== text) throw new RangeError(`not a host list: ${text.slice(0, 200)}`);
  return parts;
}

function* expandPart(part: string): Generator<string> {
  const bracket = /^([^[]*)\[([^\]]*)\](.*)$/.exec(part);
  if (bracket === null) {
    yield part;
    return;
  }
  const [, prefix = '', ranges = '', rest = ''] = bracket;
  for (const range of ranges.split(',')) {
    for (const number of expandRange(range)) {
      for (const suffix of expandPart(rest)) yield `${prefix}${number}${suffix}`;
    }
  }
}

function* expandRange(range: string): Generator<string> {
  const [, first = '', last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(range) ?? [];
  // A range of no host would be a job on no node, and many of them a search without end.
  if (first === '' || Number(last) < Number(first)) {
    throw new RangeError(`not a range of hosts: ${range.slice(0, 200)}`);
  }
  for (let number = Number(first); number <= Number(last); number += 1) {
    yield String(number).padStart(first.length, '0');
  }
}
