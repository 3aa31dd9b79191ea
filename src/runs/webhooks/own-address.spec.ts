import type { HttpAdapterHost } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import type { NestgraphConfig } from '../../config/index.js';
import { OwnAddress } from './own-address.js';

const ownAddress = (adapter: object | undefined, mount_prefix = '') =>
  new OwnAddress({ httpAdapter: adapter } as HttpAdapterHost, { server: { mount_prefix } } as NestgraphConfig).base;

const listening = (address: string, family: string) => ({
  getHttpServer: () => ({ address: () => ({ address, family, port: 2024 }) }),
});

describe('OwnAddress', () => {
  it.each([
    ['127.0.0.1', 'IPv4', 'http://127.0.0.1:2024'],
    ['0.0.0.0', 'IPv4', 'http://127.0.0.1:2024'],
    ['192.168.1.5', 'IPv4', 'http://192.168.1.5:2024'],
    ['::', 'IPv6', 'http://[::1]:2024'],
    ['::1', 'IPv6', 'http://[::1]:2024'],
    ['fd00::5', 'IPv6', 'http://[fd00::5]:2024'],
  ])('for a server that listens on %s (%s) is %s', (address, family, expected) => {
    expect(ownAddress(listening(address, family))).toBe(expected);
    expect(ownAddress(listening(address, family), '/api')).toBe(`${expected}/api`);
  });

  it.each([
    ['a worker', undefined],
    ['a server that does not listen yet', { getHttpServer: () => ({ address: () => null }) }],
    ['a server on a pipe', { getHttpServer: () => ({ address: () => '/run/x.sock' }) }],
  ])('is undefined for %s', (_, adapter) => {
    expect(ownAddress(adapter)).toBeUndefined();
  });
});
