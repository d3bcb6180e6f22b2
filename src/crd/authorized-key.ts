/**
 * One SSH public key, as a line of `authorized_keys` without options.
 * The key material must name the same type as the line, so that a cut or mixed-up line is noticed
 * here and not by a login that fails. A private key pasted by mistake is never repeated in a fault.
 */
import { z } from 'zod';

const types = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

const linePattern = new RegExp(
  `^(${types.join('|').replaceAll('.', '\\.')}) [A-Za-z0-9+/]{40,}={0,2}( [ -~]{0,200})?$`,
);

export const AuthorizedKey = z
  .string()
  .max(3100)
  .regex(
    linePattern,
    'must be one SSH public key such as `ssh-ed25519 AAAA… name`, without options',
  )
  .refine((line) => !linePattern.test(line) || holdsItsType(line), {
    error: 'holds key material that is not of the type it names',
    params: { hint: 'copy the whole line of the .pub file' },
  });

/** The material begins with the length and name of its type, in the SSH wire format. */
function holdsItsType(line: string): boolean {
  const [type = '', material = ''] = line.split(' ');
  const head = atob(material.slice(0, Math.ceil((4 + type.length) / 3) * 4));
  const length = type.length;
  return (
    head.slice(0, 4) === `\0\0\0${String.fromCharCode(length)}` &&
    head.slice(4, 4 + length) === type
  );
}
