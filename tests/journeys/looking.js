// What looking.py asks of a page. Each function answers with sentences, none where all is well.
(() => {
  const named = (el) => {
    const classes = typeof el.className === "string" && el.className.trim();
    const text = (el.textContent || el.value || "").trim().replace(/\s+/g, " ").slice(0, 30);
    return `${el.tagName.toLowerCase()}${el.id && `#${el.id}`}${classes ? `.${classes.split(/\s+/).join(".")}` : ""} '${text}'`;
  };
  const isShown = (el) => el.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const isForEars = (el) => el.closest(".visually-hidden") !== null || getComputedStyle(el).clipPath.startsWith("inset");
  const inside = () => [...document.body.querySelectorAll("*")].filter((el) => isShown(el) && !isForEars(el));
  const reached = () => [
    ...document.querySelectorAll(
      "a[href], button:not([disabled]), input:not([type=hidden], [disabled]), select, textarea, summary, [tabindex='0']",
    ),
  ].filter(isShown);
  const seconds = (text) => Math.max(...text.split(",").map(parseFloat));

  window.looking = {
    async violations(tags, rules) {
      const runOnly = rules ? { type: "rule", values: rules } : { type: "tag", values: tags };
      const more = rules ? {} : { rules: { "target-size": { enabled: true } } };
      const found = await axe.run(document, { resultTypes: ["violations"], runOnly, ...more });
      return found.violations.flatMap((rule) =>
        rule.nodes.map((node) => [rule.id, node.target.join(" "), node.failureSummary.replace(/\s+/g, " ").slice(0, 300)]),
      );
    },

    // What readers may set by WCAG 1.4.12. A sheet made by script is not held up by the content policy.
    space(isOn) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
        p { margin-block-end: 2em !important }`);
      document.adoptedStyleSheets = isOn ? [sheet] : [];
    },

    sideways() {
      const width = document.documentElement.clientWidth;
      if (document.scrollingElement.scrollWidth <= width) return [];
      const wide = inside().filter((el) => el.getBoundingClientRect().right > width + 1 || el.scrollWidth > width);
      return [`scrolls sideways: ${wide.slice(-3).map(named).join(", ")}`];
    },

    cutOff() {
      return inside()
        .filter((el) => {
          if (["TEXTAREA", "INPUT", "SELECT", "OPTION", "PROGRESS"].includes(el.tagName)) return false;
          const style = getComputedStyle(el);
          const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
          const cuts = style.overflowX !== "visible" || el.matches("button, .button, .tag, .chip");
          return cuts && !scrolls && (el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 2);
        })
        .map((el) => `text is cut off: ${named(el)}`);
    },

    // Links in running text may be as high as their line; axe judges those. What looks like a button is large.
    smallTargets() {
      return reached()
        .filter((el) => el.matches("button, .button, summary") && !isForEars(el))
        .map((el) => [el, el.getBoundingClientRect()])
        .filter(([, box]) => box.height < 44 || box.width < 24)
        .map(([el, box]) => `only ${Math.round(box.width)} x ${Math.round(box.height)} px: ${named(el)}`);
    },

    moving() {
      const set = [...document.querySelectorAll("*")].filter((el) => {
        const style = getComputedStyle(el);
        const turns = style.animationName !== "none" && seconds(style.animationDuration) > 0.001;
        return turns || seconds(style.transitionDuration) > 0.001;
      });
      const running = document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 1);
      return [...set.map((el) => `moves: ${named(el)}`), ...running.map(() => "an animation runs")];
    },

    // The focus follows the eye: never back up, but to the next column of a wide page; never back along a line.
    // And it is seen.
    focus() {
      const problems = [...document.querySelectorAll("[tabindex]")]
        .filter((el) => el.tabIndex > 0)
        .map((el) => `jumps the queue: ${named(el)}`);
      const before = document.activeElement;
      const boxes = [];
      for (const el of reached()) {
        el.focus({ preventScroll: true });
        const style = getComputedStyle(el);
        const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        if (!isSeen) problems.push(`focus is not visible: ${named(el)}`);
        if (!isForEars(el) && !el.matches(".skip-link")) boxes.push([el, el.getBoundingClientRect()]);
      }
      before?.focus?.({ preventScroll: true });
      const isRtl = document.dir === "rtl";
      for (let n = 1; n < boxes.length; n += 1) {
        const [[former, was], [el, is]] = [boxes[n - 1], boxes[n]];
        const isBeside = innerWidth >= 480 && (is.left >= was.right || was.left >= is.right);
        const isAbove = is.bottom <= was.top + 1 && !isBeside;
        const isBack = Math.abs(is.top - was.top) < 4 && (isRtl ? is.left >= was.right - 1 : is.right <= was.left + 1);
        if (isAbove || isBack) problems.push(`focus goes back from ${named(former)} to ${named(el)}`);
      }
      return problems;
    },
  };
})();
