"""Scripts that measure what a page shows: contrast, and parts that are wider than their place."""

from __future__ import annotations

LEAST_CONTRAST = 4.5
"""What WCAG asks of text of this size."""

# The text in an element whose contrast to what is behind it is least: [contrast, text]. What is disabled, or
# stands for nothing, may be fainter. Text of an SVG picture is as its fill and opacity say.
CONTRAST = """root => {
    const parse = colour => {
        const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
        const most = colour.startsWith('color(') ? 255 : 1;
        return [r * most, g * most, b * most, a];
    };
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3]));
    const luminance = ([r, g, b]) => {
        const linear = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    };
    const behind = el => {
        const own = parse(getComputedStyle(el).backgroundColor);
        if (own[3] === 1) return own;
        return over(own, el.parentElement ? behind(el.parentElement) : [255, 255, 255]);
    };
    const opacity = el => !el ? 1 : Number(getComputedStyle(el).opacity) * opacity(el.parentElement);
    let least = [99, ''];
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode());) {
        const el = node.parentElement;
        if (!node.data.trim() || !el.checkVisibility()) continue;
        if (el.closest(':disabled, [data-none=yes], style')) continue;
        const style = getComputedStyle(el);
        const ink = parse(el instanceof SVGElement ? style.fill : style.color);
        ink[3] *= opacity(el);
        const paper = behind(el);
        const [a, b] = [luminance(over(ink, paper)), luminance(paper)];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < least[0]) least = [contrast, node.data.trim()];
    }
    return least;
}"""

# The classes of elements that stick out of the page on the right, apart from what scrolls within an element.
STICKS_OUT = """() => [...document.body.querySelectorAll('*')]
    .filter(el => el.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(el => !el.closest('[tabindex="0"]'))
    .map(el => `${el.tagName} ${el.className}`)"""
