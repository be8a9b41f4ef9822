import './bridge/without-eval.ts';
import { mount } from 'svelte';
import App from './App.svelte';
import { listenForPorts } from './bridge/connect.ts';
import './ui/tokens.css';
import './ui/base.css';

listenForPorts();
const target = document.getElementById('app');
if (target) mount(App, { target });
