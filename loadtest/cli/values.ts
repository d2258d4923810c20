// Owns how the values of flags are read: what cannot be meant is refused in words. Knows no flags.
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';

export function positive(text: string): number {
  const value = numberOf(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It has to be a number above 0.');
}

/** @returns what reads a whole number of that range */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = numberOf(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It has to be a whole number from ${least} to ${most}.`);
  };
}

/** Linux gives no higher ones. */
const MOST_PID = 2 ** 22;

export function pid(text: string): number {
  const value = numberOf(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST_PID) return value;
  throw new InvalidArgumentError(`"${text}" is no id of a process.`);
}

export function ipAddress(text: string): string {
  if (isIP(text.trim()) !== 0) return text.trim();
  throw new InvalidArgumentError(`"${text}" is no IP address.`);
}

/** @returns what reads several, by commas, or by naming the flag again */
export function listed<T>(read: (text: string) => T): (text: string, before: T[]) => T[] {
  return (text, before) => [...before, ...text.split(',').map(read)];
}

/** Of nothing, NaN: to JavaScript it is 0. */
function numberOf(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}
