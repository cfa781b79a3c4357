// The page has one form, with a button for browsers that run no script.
document.getElementById("continue").click();
