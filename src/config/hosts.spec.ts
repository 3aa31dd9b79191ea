import { describe, expect, it } from '@jest/globals';
import { readEnvironment } from './env.js';
import { hostsConfig, namesServer } from './hosts.js';
import { Findings } from './findings.js';

interface Given {
  host?: string;
  allowed?: string;
  published?: string;
}

function configure({ host = '127.0.0.1', allowed, published }: Given) {
  const findings = new Findings();
  const environment = readEnvironment({ NESTGRAPH_ALLOWED_HOSTS: allowed }, findings);
  return { problems: findings.problems, hosts: () => hostsConfig(host, environment, published) };
}

const LOOPBACK = ['localhost', 'localhost:2024', '127.0.0.1:2024', '127.9.9.9', '[::1]:2024', 'LocalHost:1'];

describe('the names of a server', () => {
  it.each(LOOPBACK)('on loopback: %s', (authority) => {
    expect(namesServer(configure({}).hosts(), authority)).toBe(true);
  });

  it.each([
    'example.com',
    'localhost.example.com',
    '127.0.0.1.example.com',
    '10.0.0.1',
    '0.0.0.0:2024',
    '',
    'user@localhost',
  ])('on loopback do not include %j', (authority) => {
    expect(namesServer(configure({}).hosts(), authority)).toBe(false);
  });

  it.each<[Given, string]>([
    [{ host: 'mybox.example' }, 'mybox.example:2024'],
    [{ host: '192.168.1.5' }, '192.168.1.5:2024'],
    [{ host: '0.0.0.0' }, '192.168.1.5:2024'],
    [{ host: '::' }, '[fd00::1]:2024'],
    [{ host: '0.0.0.0' }, 'localhost:2024'],
    [{ allowed: 'api, *.tunnel.example' }, 'API:8123'],
    [{ allowed: 'api, *.tunnel.example' }, 'x.tunnel.example'],
    [{ published: 'https://dev.example.com:8443/api' }, 'dev.example.com'],
  ])('with %j include %s', (given, authority) => {
    expect(namesServer(configure(given).hosts(), authority)).toBe(true);
  });

  it.each<[Given, string]>([
    [{ host: '0.0.0.0' }, 'example.com'],
    [{ host: '192.168.1.5' }, 'example.com'],
    [{ host: 'localhost' }, '10.0.0.1'],
    [{ host: '::1' }, '10.0.0.1'],
    [{ allowed: '*.tunnel.example' }, 'tunnel.example'],
    [{ published: 'nonsense' }, 'nonsense'],
  ])('with %j do not include %s', (given, authority) => {
    expect(namesServer(configure(given).hosts(), authority)).toBe(false);
  });

  it.each(['https://a.com', 'a.com:80', 'a.com,,b.com', '*'])('cannot be %j', (allowed) => {
    expect(configure({ allowed }).problems).toEqual([
      `NESTGRAPH_ALLOWED_HOSTS: expected host names, separated by commas, such as api,*.example.com, got ${JSON.stringify(allowed)}`,
    ]);
  });
});
