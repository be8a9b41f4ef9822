/** Colours of the design as canvases need them: resolved for the theme in force. */

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
  font: string;
}

const seriesCount = 8;

function resolve(probe: HTMLElement, token: string): string {
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
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
  return {
    text: of('text'),
    muted: of('muted'),
    line: of('line'),
    surface: of('surface'),
    accent: of('stone-keyframe'),
    ghost: of('stone-delta'),
    series: Array.from({ length: seriesCount }, (_, index) => of(`series-${index}`)),
    heat: heatOf(['heat-0', 'heat-1', 'heat-2', 'heat-3'].map(of)),
    font: `11px ${getComputedStyle(probe).fontFamily}`,
  };
}
