import { describe, expect, it } from '@jest/globals';
import { withoutSecrets } from './without-secrets.js';

describe('an address without its secrets', () => {
  it.each([
    ['postgres://user:hush@host:5432/db', 'postgres://user:***@host:5432/db'],
    ['postgres://user@host/db?host=/tmp/x', 'postgres://user@host/db?host=/tmp/x'],
    ['postgres://user:hu@sh:hush@host/db', 'postgres://user:***@host/db'],
    ['postgres://:hush@host/db', 'postgres://:***@host/db'],
    ['user:hush@host', 'user:***@host'],
    ['postgres://host/db?user=u&password=hush&ssl=1', 'postgres://host/db?user=u&password=***&ssl=1'],
    ['https://host/?api_key=hush', 'https://host/?api_key=***'],
  ])('%s is %s', (address, shown) => {
    expect(withoutSecrets(address)).toBe(shown);
  });
});
