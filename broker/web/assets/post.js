// The page has one button, for browsers that run no script.
document.getElementById("continue").click();
