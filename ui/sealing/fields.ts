// Exact schemas: every key present, unknown keys refused, one spelling of each value (3.1).
import { parseTime } from "./canonical";
import { badField } from "./refused";

export type Reader<T> = (value: unknown, where: string) => T;
export type Read<R> = R extends Reader<infer T> ? T : never;

export function object<T>(fields: { [K in keyof T]: Reader<T[K]> }): Reader<T> {
  const names = Object.keys(fields);
  return (value, where) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw badField(`expected an object at ${where}`);
    const given = value as Record<string, unknown>;
    const unknown = Object.keys(given).find((key) => !names.includes(key));
    if (unknown !== undefined) throw badField(`expected no key ${JSON.stringify(unknown.slice(0, 40))} at ${where}; use a version that knows it`);
    const found: Record<string, unknown> = {};
    for (const name of names) {
      if (!Object.hasOwn(given, name)) throw badField(`expected the key ${name} at ${where}`);
      found[name] = fields[name as keyof T](given[name], `${where}.${name}`);
    }
    return found as T;
  };
}

export const list = <T>(item: Reader<T>, least: number, most: number): Reader<T[]> => (value, where) => {
  if (!Array.isArray(value)) throw badField(`expected an array at ${where}`);
  if (value.length < least || value.length > most) throw badField(`expected ${least} to ${most} items at ${where}, got ${value.length}`);
  return value.map((one, at) => item(one, `${where}[${at}]`));
};

export const orNull = <T>(inner: Reader<T>): Reader<T | null> => (value, where) => (value === null ? null : inner(value, where));

export const pattern = (form: RegExp): Reader<string> => (value, where) => {
  if (typeof value !== "string" || !form.test(value)) throw badField(`expected another form at ${where}`);
  return value;
};

export const oneOf = <T extends string | number>(...allowed: T[]): Reader<T> => (value, where) => {
  if (!allowed.includes(value as T)) throw badField(`expected ${allowed.join(" or ")} at ${where}`);
  return value as T;
};

export const integer = (least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> => (value, where) => {
  if (!Number.isSafeInteger(value)) throw badField(`expected an integer at ${where}`);
  const number = value as number;
  if (number < least || number > most) throw badField(`expected ${least} to ${most} at ${where}, got ${number}`);
  return number;
};

/** Text of 1 to `most` code points. */
export const text = (most: number): Reader<string> => (value, where) => {
  if (typeof value !== "string" || value === "" || [...value].length > most) throw badField(`expected text of 1 to ${most} characters at ${where}`);
  return value;
};

export const boolean: Reader<boolean> = (value, where) => {
  if (typeof value !== "boolean") throw badField(`expected true or false at ${where}`);
  return value;
};

export const anyObject: Reader<Record<string, unknown>> = (value, where) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badField(`expected an object at ${where}`);
  return value as Record<string, unknown>;
};

export const uuid = pattern(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
export const hash = pattern(/^[0-9a-f]{64}$/);
export const time: Reader<string> = (value, where) => {
  const found = pattern(/^.{24}$/)(value, where);
  parseTime(found);
  return found;
};
export const uscc = pattern(/^[0-9A-HJ-NP-RT-UWXY]{18}$/);
export const volume = pattern(/^[a-z][a-z0-9-]{0,15}$/);
export const kid = pattern(/^[A-Za-z0-9_-]{16}$/);
// The last character of base64url carries spare bits, which must be zero.
export const b64of16 = pattern(/^[A-Za-z0-9_-]{21}[AQgw]$/);
export const b64of32 = pattern(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
export const b64of65 = pattern(/^[A-Za-z0-9_-]{86}[AEIMQUYcgkosw048]$/);
export const suiteName = oneOf("INTL-1", "GM-1");
export const policyName = oneOf("dual+remedy", "dual-strict");
export const round = integer(1, 99);
