import { describe, expect, it } from '@jest/globals';
import { matches, type Place } from './explanations.js';

const difference = { path: 'wait.body.tasks.0.id', theirs: 1, ours: undefined };
const explains = (place: Partial<Place>, scenario = 'runs: wait'): boolean =>
  matches({ scenario: '*', path: '**', ...place }, scenario, difference);

describe('an explained difference is that', () => {
  it.each([
    ['of its scenario', { scenario: 'runs: wait' }, true],
    ['of a scenario that begins alike', { scenario: 'runs: *' }, true],
    ['of no other', { scenario: 'runs: w' }, false],
    ['at its path', { path: 'wait.body.tasks.0.id' }, true],
    ['at any member', { path: '*.body.tasks.*.id' }, true],
    ['at any depth', { path: '**.id' }, true],
    ['anywhere below', { path: 'wait.body.**' }, true],
    ['at the place itself', { path: 'wait.body.tasks.0.id.**' }, true],
    ['not one member for two', { path: 'wait.*.id' }, false],
    ['not at part of a name', { path: '**.d' }, false],
    ['not above', { path: 'wait.body' }, false],
    ['with what is seen there', { theirs: 1 }, true],
    ['not with something else', { theirs: 2 }, false],
    ['with nothing', { ours: '(nothing)' }, true],
    ['not with null for nothing', { ours: null }, false],
  ] as [string, Partial<Place>, boolean][])('%s', (_, place, expected) => {
    expect(explains(place)).toBe(expected);
  });
});
