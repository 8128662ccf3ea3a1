#!/usr/bin/env node
/**
 * The binary. Everything is in main.ts and in the declarations that root.ts leads to.
 */
import { main } from './main.js';
import root from './root.js';

void main(root, process.argv.slice(2));
