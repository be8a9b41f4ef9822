/** Colours of the design as canvases need them: resolved for the theme in force. */
import { labelSize } from './surface.ts';

export interface ChartColours {
  text: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  ghost: string;
  series: string[];
  /** 256 steps from nothing to most, RGBA. */
  heat: Uint8ClampedArray;
  /** Of labels, as a canvas takes it. */
  font: string;
  fontFamily: string;
}

const seriesCount = 8;

/** As everything that reads SVG knows it: what a style sheet says may be newer than that. */
function plainColour(colour: string): string {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [1, 1];
  const context = canvas.getContext('2d')!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? `rgb(${red}, ${green}, ${blue})` : `rgba(${red}, ${green}, ${blue}, ${(alpha! / 255).toFixed(3)})`;
}

function resolve(probe: HTMLElement, token: string): string {
  probe.style.color = `var(--${token})`;
  return plainColour(getComputedStyle(probe).color);
}

/** @param share from 0 to 1 of the way from nothing to most */
export function heatColour({ heat }: Pick<ChartColours, 'heat'>, share: number): string {
  const at = Math.round(Math.min(1, Math.max(0, share)) * 255) * 4;
  return `rgb(${heat[at]}, ${heat[at + 1]}, ${heat[at + 2]})`;
}

function heatOf(stops: string[]): Uint8ClampedArray {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [256, 1];
  const context = canvas.getContext('2d')!;
  const gradient = context.createLinearGradient(0, 0, 256, 0);
  stops.forEach((stop, index) => gradient.addColorStop(index / (stops.length - 1), stop));
  context.fillStyle = gradient;
  context.fillRect(0, 0, 256, 1);
  return context.getImageData(0, 0, 256, 1).data;
}

/** @param probe an element inside the view, where the view's own tokens hold */
export function readColours(probe: HTMLElement): ChartColours {
  const of = (token: string): string => resolve(probe, token);
  const { fontFamily } = getComputedStyle(probe);
  return {
    text: of('text'),
    muted: of('muted'),
    line: of('line'),
    surface: of('surface'),
    accent: of('stone-keyframe'),
    ghost: of('stone-delta'),
    series: Array.from({ length: seriesCount }, (_, index) => of(`series-${index}`)),
    heat: heatOf(['heat-0', 'heat-1', 'heat-2', 'heat-3'].map(of)),
    font: `${labelSize}px ${fontFamily}`,
    fontFamily,
  };
}
