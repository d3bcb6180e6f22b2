/** Durations as kubectl prints them: two units at most, fewer the longer it is. Pure. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

export function printDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  const whole = (unit: number) => Math.floor(ms / unit);
  const pair = (unit: number, name: string, part: number, partName: string) => {
    const rest = Math.floor((ms % unit) / part);
    return rest === 0 ? `${whole(unit)}${name}` : `${whole(unit)}${name}${rest}${partName}`;
  };
  if (ms < 2 * minute) return `${whole(second)}s`;
  if (ms < 10 * minute) return pair(minute, 'm', second, 's');
  if (ms < 3 * hour) return `${whole(minute)}m`;
  if (ms < 8 * hour) return pair(hour, 'h', minute, 'm');
  if (ms < 2 * day) return `${whole(hour)}h`;
  if (ms < 8 * day) return pair(day, 'd', hour, 'h');
  if (ms < 2 * year) return `${whole(day)}d`;
  if (ms < 8 * year) return pair(year, 'y', day, 'd');
  return `${whole(year)}y`;
}

/** How long ago an RFC 3339 time was; `-` for none, `?` for one that cannot be read. */
export function printAge(timestamp: string | undefined, now: number): string {
  if (timestamp === undefined) return '-';
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? '?' : printDuration(now - then);
}
